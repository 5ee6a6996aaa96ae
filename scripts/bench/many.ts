/**
 * What 10,000 pending patches in 200 sessions cost those who work beside them: staging a file into one of the sessions, a
 * page of 20 sessions, and applying one patch, each against the same with 10 pending patches in 20 sessions.
 * Two daemons, in turn: what they share is the machine.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SessionHandle } from "../../client/index.ts";
import { type Bench, withDaemon } from "./daemon.ts";
import { compare, type Row, type Side } from "./measure.ts";

const MANY = { sessions: 200, patches: 10_000 };
const FEW = { sessions: 20, patches: 10 };
const PAGE = 20;
const ROUNDS = 101;

type Step = "stage" | "page" | "apply";

export function many(): Promise<Row[]> {
  return withDaemon((crowded) =>
    withDaemon(async (quiet) => {
      const [ours, theirs] = [await settle(crowded, MANY), await settle(quiet, FEW)];
      const rows: Row[] = [];
      for (const step of ["stage", "page", "apply"] as const)
        rows.push(await compare(NAMES[step], ours(step), theirs(step), ROUNDS));
      return rows;
    }),
  );
}

const NAMES: Readonly<Record<Step, string>> = {
  stage: "stage one file",
  page: `a page of ${PAGE} sessions`,
  apply: "apply one patch",
};

/** Stages so many patches in so many sessions, evenly; gives a step there as a side of the comparison. */
async function settle({ directory, connection }: Bench, { sessions, patches }: typeof MANY) {
  const root = join(directory, "root");
  await mkdir(root);
  await writeFile(join(root, "shared"), "as it was\n");
  const { workspace } = await connection.call("workspace/open", { root });
  let session!: SessionHandle;
  let staged = 0;
  for (let n = 1; n <= sessions; n++) {
    session = await connection.openSession({ workspace: workspace.id, title: `session ${n}` });
    const changes = [];
    for (; staged < (patches * n) / sessions; staged++)
      changes.push({ kind: "write" as const, path: `new/${staged}`, content: `content of ${staged}\n` });
    if (changes.length > 0) await session.stage(changes);
  }
  let patch = "";
  const stage = async (round: number): Promise<void> => {
    const { patches } = await session.write("shared", `as it is in round ${round}\n`);
    patch = patches[0]?.id ?? "";
  };
  const steps: Readonly<Record<Step, Pick<Side, "before" | "run" | "after">>> = {
    stage: { run: stage, after: () => session.discard([patch]) },
    page: { run: () => connection.call("session/list", { workspace: workspace.id, limit: PAGE }) },
    apply: {
      before: stage,
      run: () => connection.call("session/apply", { session: session.id, patches: [patch] }),
    },
  };
  return (step: Step): Side => ({ name: `with ${patches} pending`, ...steps[step] });
}
