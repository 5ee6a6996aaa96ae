/** `iopipectl status` with a daemon running, against Node starting and doing nothing. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { withDaemon } from "./daemon.ts";
import { compare, type Row } from "./measure.ts";

const ROUNDS = 25;
const IOPIPECTL = join(import.meta.dirname, "../../dist/iopipectl.cjs");

export function commandLine(): Promise<Row[]> {
  if (!existsSync(IOPIPECTL)) throw new Error(`${IOPIPECTL} is missing: run \`npm run build\` first.`);
  return withDaemon(async ({ directory, env, connection }) => {
    await connection.call("workspace/open", { root: directory.replace(/$/, "/..") });
    const run = (args: string[]) => () => {
      const { status, stderr } = spawnSync(process.execPath, args, { env, cwd: directory, encoding: "utf8" });
      if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}: ${stderr}`);
    };
    const ours = { name: "iopipectl status", run: run([IOPIPECTL, "daemon", "status"]) };
    return [await compare("iopipectl status", ours, { name: "node -e 0", run: run(["-e", "0"]) }, ROUNDS)];
  });
}
