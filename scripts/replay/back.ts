/** Back: a commit's operation undone, and compared. */
import { IopipeError } from "../../client/index.ts";
import type { Brought } from "./forward.ts";
import { compare, inTime, type Replay } from "./replay.ts";
import { mismatch, timed } from "./tally.ts";

/** Takes back what a commit brought; every later one was taken back before. */
export async function takeBack(replay: Replay, { commit, operation, before }: Brought): Promise<void> {
  if (operation !== undefined) await undo(replay, commit, operation);
  await compare(replay, commit, "after the undo", before);
}

async function undo(
  { connection, tally }: Replay,
  commit: Brought["commit"],
  operation: string,
): Promise<void> {
  try {
    const undone = () => connection.call("operation/undo", { operation }, inTime());
    const { operation: undo, skipped } = await timed(tally, "undo", commit, undone);
    if (undo?.state !== "committed") mismatch(tally, commit, `the undo is ${undo?.state}`);
    if (skipped.length > 0)
      mismatch(
        tally,
        commit,
        "paths were not undone",
        skipped.map(({ path }) => path),
      );
  } catch (error) {
    if (!(error instanceof IopipeError)) throw error;
    mismatch(tally, commit, "the undo was refused", [`${error.kind}: ${error.message}`]);
  }
}
