/** `iopipectl status` in a workspace with something pending and a daemon running, against Node starting for nothing. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { withDaemon } from "./daemon.ts";
import { compare, type Row } from "./measure.ts";

const ROUNDS = 25;
const IOPIPECTL = join(import.meta.dirname, "../../dist/iopipectl.cjs");

export function commandLine(): Promise<Row[]> {
  return withDaemon(async ({ directory, env, connection }) => {
    const root = join(directory, "repository");
    mkdirSync(root);
    execFileSync("git", ["init", "--quiet"], { cwd: root });
    await connection.call("workspace/open", { root });
    await (await connection.openSession({ workspace: root })).write("pending.txt", "pending\n");

    const run = (args: string[], expected: string) => () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, args, {
        env,
        cwd: root,
        encoding: "utf8",
      });
      if (status !== 0 || !stdout.includes(expected))
        throw new Error(`node ${args.join(" ")} ended with ${status}: ${stdout}${stderr}`);
    };
    const ours = { name: "iopipectl status", run: run([IOPIPECTL, "status"], "1 pending") };
    return [
      await compare("iopipectl status", ours, { name: "node -e 0", run: run(["-e", "0"], "") }, ROUNDS),
    ];
  });
}
