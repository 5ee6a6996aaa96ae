/**
 * Preparing: everything that a promotion needs, durable beside the targets, while no target is touched.
 * Owns the order: old bytes into the store, then the journal with all names, then the temporary files.
 * Failure: what was written is swept by the caller (rollback.ts, `abandon`); the journal has all names.
 */
import { identityOf, inParallel, named, retrying } from "../disk/index.ts";
import type { NewOperation, Store } from "../store/index.ts";
import { startPhase } from "./course.ts";
import { stale } from "./faults.ts";
import { keepAttributes, legacyFor } from "./kept.ts";
import type { Plan } from "./plan.ts";
import type { PromotionRequest } from "./request.ts";
import { type Work, writeImage } from "./work.ts";

/** Puts the bytes that will be replaced or removed into the store, for undo and for rollback. */
export async function keepOldBytes(
  { steps }: Plan,
  request: Pick<PromotionRequest, "tree" | "signal" | "progress">,
  store: Store,
): Promise<void> {
  const lacking = steps.filter(
    ({ kind, before }) =>
      kind !== "chmod" && before.type === "file" && !store.blobs.has(before.hash as string),
  );
  if (lacking.length === 0) return;
  const course = startPhase(
    request,
    "keep",
    lacking.map(({ before }) => before),
  );
  for (const { path, before } of lacking) {
    await store.blobs.take(async (sink) => {
      const image = await request.tree.image(path, course.sink(sink));
      if (image.hash !== before.hash) throw stale([{ path, expected: before, actual: image }]);
      return image;
    });
  }
}

/** The journal's first record. */
export function journalOf(request: PromotionRequest, { steps, makes, removes }: Plan): NewOperation {
  const { workspace, kind, session, title, agent, by, digest, undoes } = request;
  return {
    ...{ workspace, kind, session, title, agent, by, digest, undoes },
    madeDirectories: makes,
    removedDirectories: removes,
    files: steps.map(({ path, patch, before, after, temporary, backup }) => ({
      ...{ path, patch, before, after, temporary, backup },
    })),
  };
}

/**
 * Writes each after-image into its temporary file; several at once, because file systems bring several fsyncs to the
 * disk in one go. Until the decision the request may be cancelled.
 */
export async function prepare(work: Work, request: PromotionRequest): Promise<void> {
  const written = work.steps.filter(({ temporary, after }) => temporary !== undefined && after.exists);
  const course = startPhase(
    request,
    "prepare",
    written.map(({ after }) => after),
  );
  await inParallel(written, async (step) => {
    course.advance(0);
    const { temporary, after, path } = step;
    const write = () => writeImage(work, temporary as string, after, legacyFor(work, step), path, course);
    const stat = await retrying(write).catch((error: unknown) => {
      throw named(error, path);
    });
    work.inodes.set(step.n, identityOf(stat));
  });
  await keepAttributes(work);
}
