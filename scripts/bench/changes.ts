/**
 * Staging, diffing and applying changes of 1, 10 and 100 files, against git doing its part of the same: `git add`
 * (record), `git diff --cached` (show), `git apply` (write). Git starts a process each time, finds the content on disk
 * already, keeps no journal, and syncs nothing.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Connection, SessionHandle } from "../../client/index.ts";
import { withDaemon } from "./daemon.ts";
import { compare, type Row, type Side } from "./measure.ts";

const COUNTS = [1, 10, 100];
const ROUNDS = 7;
const LINES = 200;

/** The three steps of one change; each is timed with those before it done. */
interface Steps {
  readonly names: Readonly<Record<Step, string>>;
  /** What `stage` needs. */
  toStage?(round: number): unknown;
  stage(round: number): Promise<unknown> | unknown;
  diff(): Promise<unknown> | unknown;
  apply(): Promise<unknown> | unknown;
  /** What `apply` needs after `stage`. */
  toApply?(): unknown;
  /** Nothing staged, nothing applied. */
  reset(): Promise<unknown> | unknown;
}
type Step = "stage" | "diff" | "apply";

export function changes(): Promise<Row[]> {
  return withDaemon(async ({ directory, connection }) => {
    const rows: Row[] = [];
    for (const count of COUNTS) {
      const ours = await iopipeSteps(count, join(directory, `ours-${count}`), connection);
      const theirs = gitSteps(count, join(directory, `git-${count}`));
      for (const step of ["stage", "diff", "apply"] as const) {
        const what = `${step} ${count} file${count === 1 ? "" : "s"}`;
        rows.push(await compare(what, side(ours, step), side(theirs, step), ROUNDS));
      }
    }
    return rows;
  });
}

function side(steps: Steps, step: Step): Side {
  return {
    name: steps.names[step],
    before: async (round) => {
      steps.toStage?.(round);
      if (step !== "stage") await steps.stage(round);
      if (step === "apply") steps.toApply?.();
    },
    run: steps[step],
    after: steps.reset,
  };
}

const nameOf = (n: number): string => `src/file-${n}.ts`;

const textOf = (round: number): string =>
  Array.from(
    { length: LINES },
    (_, line) => `line ${line}${line % 20 === 7 ? `, round ${round}` : ""}\n`,
  ).join("");

function makeTree(root: string, count: number): string[] {
  mkdirSync(join(root, "src"), { recursive: true });
  const names = Array.from({ length: count }, (_, n) => nameOf(n));
  for (const name of names) writeFileSync(join(root, name), textOf(-1));
  return names;
}

async function iopipeSteps(count: number, root: string, connection: Connection): Promise<Steps> {
  const names = makeTree(root, count);
  const { workspace } = await connection.call("workspace/open", { root });
  let session: SessionHandle | undefined;
  const current = (): SessionHandle => {
    if (!session) throw new Error("nothing is staged");
    return session;
  };
  let operation: string | undefined;
  return {
    names: { stage: "iopipe", diff: "iopipe", apply: "iopipe" },
    stage: async (round) => {
      session = await connection.openSession({ workspace: workspace.id });
      await session.stage(names.map((path) => ({ kind: "write", path, content: textOf(round) })));
    },
    diff: () => current().diff(),
    apply: async () => {
      const { session: staged } = await current().get();
      operation = (await current().apply(staged.digest)).operation.id;
    },
    reset: async () => {
      if (operation !== undefined) await connection.call("operation/undo", { operation });
      operation = undefined;
      await current()
        .discard()
        .catch(() => undefined);
    },
  };
}

function gitSteps(count: number, root: string): Steps {
  const names = makeTree(root, count);
  const git = (args: string[], input?: string): string =>
    execFileSync("git", ["-c", "user.name=b", "-c", "user.email=b@localhost", "-c", "gc.auto=0", ...args], {
      cwd: root,
      encoding: "utf8",
      input,
      maxBuffer: 64 * 1024 * 1024,
    });
  git(["init", "--quiet"]);
  git(["add", "--all"]);
  git(["commit", "--quiet", "--message", "base"]);
  let patch = "";
  return {
    names: { stage: "git add", diff: "git diff --cached", apply: "git apply" },
    toStage: (round) => {
      for (const name of names) writeFileSync(join(root, name), textOf(round));
    },
    stage: () => git(["add", "--all"]),
    diff: () => git(["diff", "--cached"]),
    toApply: () => {
      patch = git(["diff", "--cached"]);
      git(["reset", "--quiet", "--hard"]);
    },
    apply: () => git(["apply", "-"], patch),
    reset: () => git(["reset", "--quiet", "--hard"]),
  };
}
