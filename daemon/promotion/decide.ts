/**
 * Deciding: the last look at every base, then the one durable record that makes the promotion happen.
 * INVARIANT: before the record everything rolls back, after it everything rolls forward.
 */
import { IopipeError } from "../../protocol/wire/errors.ts";
import { inParallel } from "../disk/index.ts";
import { classify } from "./classify.ts";
import { startPhase } from "./course.ts";
import { type StaleFile, stale } from "./faults.ts";
import { refuseChangedAttributes } from "./kept.ts";
import type { PromotionRequest } from "./request.ts";
import type { Work } from "./work.ts";

/** Compares every target once more, and takes the snapshots that publishing checks. @throws {IopipeError} Stale, Conflict */
export async function compare(
  work: Work,
  request: Pick<PromotionRequest, "signal" | "progress">,
): Promise<void> {
  const read = work.steps.filter(({ aspects }) => aspects.includes("content"));
  const course = startPhase(
    request,
    "compare",
    read.map(({ before }) => before),
  );
  const found = await inParallel(work.steps, async (step): Promise<StaleFile[]> => {
    course.advance(0);
    const { isBefore, actual, stat } = await classify(work, step, course.sink());
    work.snapshots.set(step.n, stat);
    if (isBefore) refuseChangedAttributes(work, step, stat);
    return isBefore ? [] : [{ path: step.path, expected: step.before, actual }];
  });
  const files = found.flat();
  if (files.length > 0) throw stale(files);
  const moved = work.places.moved();
  if (moved !== undefined)
    throw new IopipeError("Conflict", `The directory '${moved}' was moved or replaced meanwhile.`, {
      path: moved,
    });
}

/** Records the decision with the inodes by which recovery knows our files, and with what goes with those that go. */
export function decide({ store, id, inodes, kept }: Work): void {
  store.operations.decide(id, inodes, kept);
}
