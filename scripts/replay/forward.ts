/** Forward: a commit staged as an agent would, applied, and compared. */
import { IopipeError, type SessionHandle } from "../../client/index.ts";
import { type Asked, stageDiff } from "./as-diff.ts";
import { type Delta, differences, isRename, withoutSubmodules } from "./deltas.ts";
import { isByRule } from "./refusals.ts";
import { compare, inTime, type Replay } from "./replay.ts";
import type { Commit } from "./repository.ts";
import { stage } from "./stage.ts";
import { countPatches, mismatch, timed } from "./tally.ts";
import { asItIs, type Instead } from "./trees.ts";

export interface Brought {
  readonly commit: Commit;
  /** The work tree's tree before. */
  readonly before: string;
  readonly after: string;
  /** None where nothing was to be changed, or nothing could be. */
  readonly operation: string | undefined;
}

/** Brings the work tree, which is `before`, to what `commit` has. */
export async function bring(replay: Replay, before: string, commit: Commit): Promise<Brought> {
  const { connection, workspace, trees, verifyEach } = replay;
  const { wanted, instead } = await plan(replay, before, commit);
  const title = commit.title.slice(0, MOST_TITLE);
  const session = await connection.openSession({ workspace, title, agent: "replay" });
  const asked = { commit, session, before, wanted, instead };
  const digest = await (replay.as === "unified-diff"
    ? stageDiff(replay, asked)
    : stageChanges(replay, asked));
  if (verifyEach) await compare(replay, commit, "after staging", before);
  const operation = digest === undefined ? undefined : await applyIt(replay, commit, session, digest);
  const after = await compare(replay, commit, "after the apply", await trees.expected(commit.id, instead));
  return { commit, before, after, operation };
}

/** Longest title of a session, in characters. */
const MOST_TITLE = 1000;

/** What can be asked for, and what stays as it is. */
async function plan(
  { repository, refusals, tally }: Replay,
  before: string,
  commit: Commit,
): Promise<{ wanted: Delta[]; instead: Instead[] }> {
  const { files, submodules } = withoutSubmodules(await differences(repository, before, commit.id));
  for (const { path } of submodules) tally.submodules.add(path);
  const { wanted, refused } = refusals.sift(files);
  return { wanted, instead: [...submodules.map((path) => ({ path })), ...refused.flatMap(asItIs)] };
}

/** Stages what iopipe takes, and adds to `instead` what it does not; the session's digest. */
async function stageChanges(
  { repository, refusals, tally }: Replay,
  { commit, session, wanted, instead }: Asked,
): Promise<string | undefined> {
  const onRefused = (delta: Delta, { kind, message }: IopipeError): void => {
    if (!isByRule(kind)) mismatch(tally, commit, "refused when staged", [`${kind}: ${message}`]);
    if (isRename(delta)) return;
    refusals.add(delta, kind);
    instead.push(...asItIs(delta));
  };
  const staged = await timed(tally, "stage", commit, () => stage(repository, session, wanted, onRefused));
  if (!staged || staged.session.patches.pending === 0) return undefined;
  countPatches(tally, staged.patches);
  return staged.session.digest;
}

/** Applies what is staged; the operation's id, where there is one that can be undone. */
async function applyIt(
  { tally }: Replay,
  commit: Commit,
  session: SessionHandle,
  digest: string,
): Promise<string | undefined> {
  try {
    // A history has what it has: tests of parsers hold what does not parse, on purpose.
    const allowed = { confirmFullReplace: true, allowInvalidSyntax: true };
    const apply = () => session.apply(digest, allowed, inTime());
    const { operation, skipped } = await timed(tally, "apply", commit, apply);
    if (operation.state !== "committed") mismatch(tally, commit, `the operation is ${operation.state}`);
    if (skipped.length > 0)
      mismatch(
        tally,
        commit,
        "patches were skipped",
        skipped.map(({ path }) => path),
      );
    return operation.id;
  } catch (error) {
    if (!(error instanceof IopipeError)) throw error;
    mismatch(tally, commit, "refused when applied", [`${error.kind}: ${error.message}`]);
    await session.discard();
    return undefined;
  }
}
