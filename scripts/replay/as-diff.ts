/**
 * A commit as git's own diff: staged in one piece, and what session/diff shows of it given back to git.
 * What iopipe refuses by its rules is left out of the diff, and the rest is asked for again.
 */
import { IopipeError, isKind, type SessionHandle } from "../../client/index.ts";
import { apart, type Delta, entriesOf, isRename } from "./deltas.ts";
import { isByRule } from "./refusals.ts";
import { inTime, type Replay } from "./replay.ts";
import type { Commit } from "./repository.ts";
import { countPatches, mismatch, timed } from "./tally.ts";
import { asItIs, type Instead } from "./trees.ts";

/** What is to be staged of a commit. */
export interface Asked {
  readonly commit: Commit;
  readonly session: SessionHandle;
  /** The work tree's tree. */
  readonly before: string;
  readonly wanted: readonly Delta[];
  /** What stays as it is; what is refused is added. */
  readonly instead: Instead[];
}

/** Stages the diff from `before` to the commit; the session's digest, undefined where nothing is to be changed. */
export async function stageDiff(replay: Replay, asked: Asked): Promise<string | undefined> {
  const { repository, trees, tally } = replay;
  const { commit, session, before, instead } = asked;
  let wanted = asked.wanted;
  for (;;) {
    const target = await trees.expected(commit.id, instead);
    const diff = await repository.git(["diff", "--binary", "--no-color", before, target]);
    if (diff.length === 0) return undefined;
    try {
      const change = { kind: "unifiedDiff", textBase64: diff.toString("base64") } as const;
      const staged = await timed(tally, "stage", commit, () => session.stage([change], inTime()));
      countPatches(tally, staged.patches);
      for (const warning of staged.warnings.filter(isAboutDiff))
        mismatch(tally, commit, "a warning", [warning]);
      await showAgain(replay, asked, target);
      return staged.session.patches.pending === 0 ? undefined : staged.session.digest;
    } catch (error) {
      if (!(error instanceof IopipeError)) throw error;
      wanted = leaveOut(replay, asked, wanted, error);
    }
  }
}

/** Of git's own diffs there is nothing to warn of; of what is in a file there may be. */
function isAboutDiff(warning: string): boolean {
  return warning.includes(" of the diff ");
}

/** Puts what a refusal is about into `instead`, everything where it does not say; gives what is left. */
function leaveOut(
  { refusals, tally }: Replay,
  { commit, instead }: Asked,
  wanted: readonly Delta[],
  { kind, message, data }: IopipeError,
): readonly Delta[] {
  if (!isByRule(kind)) mismatch(tally, commit, "refused when staged", [`${kind}: ${message}`]);
  const isCulprit = (delta: Delta): boolean => entriesOf(delta).some(({ path }) => path === data.path);
  const culprits = wanted.flatMap((delta) => (isRename(delta) ? apart(delta) : [delta])).filter(isCulprit);
  const out = culprits.length > 0 ? culprits : wanted;
  for (const delta of out) refusals.add(delta, kind);
  instead.push(...out.flatMap(asItIs));
  return culprits.length > 0 ? wanted.filter((delta) => !isCulprit(delta)) : [];
}

/** What session/diff shows has to be what git makes the same tree of. */
async function showAgain(
  { trees, tally }: Replay,
  { commit, session, before }: Asked,
  target: string,
): Promise<void> {
  const shown = await timed(tally, "show", commit, () => session.diff({}, inTime())).catch(
    (error: unknown) => {
      if (!isKind(error, "TooLarge")) throw error;
      tally.unshown.push(commit);
    },
  );
  if (!shown) return;
  tally.comparisons += 1;
  const tree = await trees.patched(before, shown.diff).catch((error: Error) => error);
  if (tree instanceof Error)
    mismatch(tally, commit, "git does not take what session/diff shows", [tree.message]);
  else if (tree !== target)
    mismatch(tally, commit, "what session/diff shows makes another tree", await trees.explain(target, tree));
}
