/**
 * Publishing: the targets change, one after the other, each by one rename or link.
 * Owns the order (removals, directories, the rest); the calls are steps.ts and directories.ts.
 * Time: one file's calls are synchronous; the event loop turns between files, and nothing is waited for on it.
 * Failure: throws at the first target that is not what was compared, or that cannot be changed; rollback.ts follows.
 */
import { setImmediate as turn } from "node:timers/promises";
import { named, retrying } from "../disk/index.ts";
import { makeMissing, removeEmptied, syncDirectories } from "./directories.ts";
import type { Step } from "./plan.ts";
import { STEP_KINDS } from "./steps.ts";
import { syncMode, type Work } from "./work.ts";

/** Publishes `steps` (all, or those that recovery found not yet published), durably when it resolves. */
export async function publish(
  work: Work,
  steps: readonly Step[],
  progress?: (phase: "publish", done: number, total: number) => void,
): Promise<void> {
  const removals = steps.filter(({ kind }) => kind === "remove");
  const others = steps.filter(({ kind }) => kind !== "remove");
  let done = 0;
  const publishAll = async (list: readonly Step[]): Promise<void> => {
    for (const step of list) {
      progress?.("publish", done++, steps.length);
      await retrying(() => publishOne(work, step));
      await turn();
    }
  };
  await publishAll(removals);
  removeEmptied(work);
  makeMissing(work);
  await publishAll(others);
  for (const step of work.steps) if (step.kind === "chmod") await syncMode(work, step.path);
  await syncDirectories([work]);
}

function publishOne(work: Work, step: Step): void {
  // Tried again after something behind the change itself was busy.
  if (work.published.has(step.n)) return;
  try {
    STEP_KINDS[step.kind].publish(work, step);
  } catch (error) {
    throw named(error, step.path);
  }
}
