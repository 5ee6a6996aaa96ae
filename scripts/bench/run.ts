/**
 * `iopipectl run -- true` against `true` by itself: what a layer costs, over a small tree and over a large one. The two
 * differences are to be about the same: nothing of the tree is copied or walked.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, withDaemon } from "./daemon.ts";
import { compare, type Row } from "./measure.ts";

const ROUNDS = 25;
const IOPIPECTL = join(import.meta.dirname, "../../dist/iopipectl.cjs");
const TREES = [100, 10_000, 100_000];
const FILES_PER_DIRECTORY = 100;

export function run(): Promise<Row[]> {
  return withDaemon(async (bench) => {
    const rows: Row[] = [];
    for (const files of TREES) rows.push(await measure(bench, files));
    return rows;
  });
}

async function measure({ directory, env, connection }: Bench, files: number): Promise<Row> {
  const root = join(directory, `tree-${files}`);
  makeTree(root, files);
  const { workspace } = await connection.call("workspace/open", { root });
  await connection.call("watch/sync", { workspace: workspace.id, timeoutMs: 600_000 });
  const runs = (program: string, args: string[]) => () => {
    const { status, stderr } = spawnSync(program, args, { env, cwd: root, encoding: "utf8" });
    if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stderr}`);
  };
  const row = await compare(
    `run -- true over ${files.toLocaleString("en")} files`,
    { name: "iopipectl run", run: runs(process.execPath, [IOPIPECTL, "run", "--", "true"]) },
    { name: "true", run: runs("true", []) },
    ROUNDS,
  );
  await connection.call("workspace/close", { workspace: workspace.id });
  return row;
}

function makeTree(root: string, files: number): void {
  for (let n = 0; n < files; n++) {
    const directory = join(root, `d${Math.floor(n / FILES_PER_DIRECTORY)}`);
    if (n % FILES_PER_DIRECTORY === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `f${n}`), `${n}\n`);
  }
}
