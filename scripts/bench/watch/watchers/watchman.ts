/** Watchman over its socket, with a server of its own that keeps its state in the bench's directory. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { begin } from "../told.ts";

const POLL_MS = 20;

begin(async ({ roots, ignored }, saw) => {
  const socket = await startServer(dirname(roots[0] as string));
  const expression = ["not", ["anyof", ...ignored.map((name) => ["dirname", name])]];
  const say = (command: unknown): void => void socket.write(`${JSON.stringify(command)}\n`);
  for (const root of roots) {
    say(["watch", root]);
    say(["subscribe", root, "bench", { expression, fields: ["name"] }]);
  }
  let subscribed = 0;
  await new Promise<void>((resolve, reject) =>
    createInterface({ input: socket }).on("line", (line) => {
      const { error, subscribe, subscription, is_fresh_instance, root, files = [] } = JSON.parse(line);
      if (error) reject(new Error(error));
      if (subscribe && ++subscribed === roots.length) resolve();
      if (subscription && !is_fresh_instance) for (const name of files) saw(join(root, name));
    }),
  );
});

async function startServer(directory: string): Promise<Socket> {
  const path = join(directory, "watchman.sock");
  const files = [`--statefile=${join(directory, "state")}`, `--logfile=${join(directory, "log")}`];
  const server = spawn("watchman", ["--foreground", `--sockname=${path}`, ...files], { stdio: "ignore" });
  process.once("exit", () => server.kill("SIGKILL"));
  await once(server, "spawn");
  while (!existsSync(path) && server.exitCode === null) await pause(POLL_MS);
  const socket = createConnection(path);
  await once(socket, "connect");
  return socket;
}
