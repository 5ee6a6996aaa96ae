/**
 * `node scripts/replay-history.ts REPO [--commits N] [--as FORM] [--keep-going] [--verify-each]`: the last N first-parent
 * commits of any git repository through iopipe, oldest first: each is staged as an agent would, applied, and the work
 * tree compared with the commit's tree by git itself; then all are undone in reverse, and compared again.
 * As `unified-diff` each is staged as what `git diff --binary` prints, and what session/diff prints of it must be a diff
 * that git apply takes, and makes the same tree of.
 * Everything happens in a private clone in a temporary directory, with a daemon of its own; the repository given is
 * only read. Exits 0 only without a mismatch; after the first it stops, or goes on from what is there (--keep-going).
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { locate } from "../protocol/wire/locations.ts";
import { takeBack } from "./replay/back.ts";
import { type Brought, bring } from "./replay/forward.ts";
import { errorsIn } from "./replay/log.ts";
import { makeRefusals } from "./replay/refusals.ts";
import type { Replay } from "./replay/replay.ts";
import { printReport } from "./replay/report.ts";
import { cloneOf, historyOf } from "./replay/repository.ts";
import { makeTally, mismatch } from "./replay/tally.ts";
import { treesOf } from "./replay/trees.ts";
import { IOPIPED, startDaemon } from "./scratch/daemon.ts";
import { makeDirectory } from "./scratch/directory.ts";

const USAGE = `usage: node scripts/replay-history.ts REPO [--commits N (100)] [--as FORM] [--keep-going] [--verify-each]
  --as           changes (the default): a change for each file; unified-diff: git's own diff, there and back
  --keep-going   after a mismatch go on from what is there
  --verify-each  at every comparison hash all files anew, and compare after staging too
`;

const FORMS = ["changes", "unified-diff"] as const;

const asked = readArguments();
const directory = makeDirectory();
const repository = await cloneOf(asked.source, join(directory, "tree"), asked.count);
const trees = treesOf(repository, directory);
const { base, commits } = await historyOf(repository, asked.count);
const start = await trees.checkOut(base);

const daemon = await startDaemon(IOPIPED.source, join(directory, "state"), "replay");
const { workspace } = await daemon.connection.call("workspace/open", { root: repository.root });
const replay: Replay = {
  repository,
  trees,
  connection: daemon.connection,
  workspace: workspace.id,
  refusals: makeRefusals(),
  tally: makeTally(),
  as: asked.as,
  verifyEach: asked.verifyEach,
};
await thereAndBack().finally(tellErrors);
await daemon.stop();
printReport(commits, replay.tally, replay.refusals);
process.exitCode = replay.tally.mismatches === 0 ? 0 : 1;

async function thereAndBack(): Promise<void> {
  const brought: Brought[] = [];
  let tree = start;
  for (const commit of commits) {
    const next = await bring(replay, tree, commit);
    brought.push(next);
    if (isOver()) return;
    tree = next.after;
    showProgress("forward", brought.length);
  }
  for (const [n, commit] of brought.toReversed().entries()) {
    await takeBack(replay, commit);
    if (isOver()) return;
    showProgress("back", n + 1);
  }
}

/** What went wrong inside the daemon counts, whether or not a tree shows it. */
function tellErrors(): void {
  const errors = errorsIn(locate(daemon.env).logFile);
  if (errors.length > 0) mismatch(replay.tally, undefined, "the daemon's log has errors", errors);
}

function isOver(): boolean {
  return replay.tally.mismatches > 0 && !asked.keepGoing;
}

/** One line on a terminal, rewritten. */
function showProgress(way: string, done: number): void {
  const end = way === "back" && done === commits.length ? "\n" : "";
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${way} ${done}/${commits.length}${end}`);
}

interface Arguments extends Pick<Replay, "as" | "verifyEach"> {
  readonly source: string;
  readonly count: number;
  readonly keepGoing: boolean;
}

function readArguments(): Arguments {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        commits: { type: "string", default: "100" },
        as: { type: "string", default: "changes" },
        "keep-going": { type: "boolean", default: false },
        "verify-each": { type: "boolean", default: false },
      },
    });
    const [source] = positionals;
    const [count, as] = [Number(values.commits), FORMS.find((form) => form === values.as)];
    if (source !== undefined && positionals.length === 1 && Number.isSafeInteger(count) && count > 0 && as)
      return { source, count, as, keepGoing: values["keep-going"], verifyEach: values["verify-each"] };
    process.stderr.write(USAGE);
  } catch (error) {
    process.stderr.write(`replay-history: ${(error as Error).message}\n${USAGE}`);
  }
  process.exit(2);
}
