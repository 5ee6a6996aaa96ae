/** `daemon start|stop|status|logs`: the background process itself. */
import type { Result } from "../../../protocol/methods/index.ts";
import { locate } from "../../../protocol/wire/locations.ts";
import { readDaemonFile } from "../../endpoints.ts";
import { isNoDaemon } from "../../faults.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../failure.ts";
import { count, print, printJson } from "../output.ts";
import { visible } from "../visible.ts";

const ACTIONS: Readonly<Record<string, (context: Context) => Promise<void>>> = {
  start: async (context) => await tell(context, true),
  status: async (context) => await tell(context, false),
  stop,
  logs: async (context) => await (await import("../logs.ts")).logs(context),
};

export async function daemon(context: Context, [action = ""]: string[]): Promise<void> {
  const run = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (run === undefined)
    throw new UsageError(
      `daemon ${action} is no command.`,
      `Give one of ${Object.keys(ACTIONS).join(", ")}.`,
    );
  await run(context);
}

async function tell(context: Context, autostart: boolean): Promise<void> {
  context.giveUpInSilence();
  await context.connection(autostart);
  context.show(await context.call("daemon/status", {}), describe);
}

const NONE = { direct: 0, directories: 0, losses: 0 };

function describe({ pid, version, uptimeMs, rssBytes, workspaces, ...rest }: Result<"daemon/status">): void {
  print(
    `iopiped ${visible(version)}, process ${pid}, up ${Math.round(uptimeMs / 1000)} s, ${Math.round(rssBytes / 2 ** 20)} MiB`,
  );
  print(`state ${visible(rest.stateDir)}`);
  print(`sockets ${visible(rest.sockets.reviewer)} ${visible(rest.sockets.proposer)}`);
  print(`${count(rest.connections, "connection")}, ${count(rest.sessions.pending, "pending session")}`);
  for (const { id, root, watch } of workspaces) {
    const { direct, directories, losses } = rest.watches.find(({ workspace }) => workspace === id) ?? NONE;
    const covered = `${direct} of ${count(directories, "directory", "directories")} one by one`;
    print(
      `watching ${visible(root)}: ${watch.state}, ${covered}, ${count(losses, "loss", "losses")} made good`,
    );
  }
}

/** How long a stopped daemon may finish its operations, in milliseconds. */
const STOP_LIMIT_MS = 15_000;

async function stop(context: Context): Promise<void> {
  const running = readDaemonFile(locate());
  try {
    await context.connection(false);
  } catch (error) {
    if (!isNoDaemon(error)) throw error;
    if (context.json) printJson({});
    else print("No daemon runs.");
    return;
  }
  const result = await context.call("daemon/stop", {});
  const gone = running === undefined || (await isGone(running.pid, context.signal));
  context.show(result, () => print(gone ? "Stopped." : "Stopping; it finishes its operations first."));
}

async function isGone(pid: number, signal: AbortSignal): Promise<boolean> {
  const { setTimeout: delay } = await import("node:timers/promises");
  const deadline = performance.now() + STOP_LIMIT_MS;
  while (performance.now() < deadline) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await delay(20, undefined, { signal });
  }
  return false;
}
