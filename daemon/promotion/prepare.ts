/**
 * Preparing: everything that a promotion needs, durable beside the targets, while no target is touched.
 * Owns the order: old bytes into the store, then the journal with all names, then the temporary files.
 * Failure: what was written is swept by the caller (rollback.ts, `abandon`); the journal has all names.
 */
import { identityOf, named, retrying } from "../disk/index.ts";
import type { NewOperation, Store } from "../store/index.ts";
import { stale } from "./faults.ts";
import type { Plan } from "./plan.ts";
import type { PromotionRequest } from "./request.ts";
import { ownerFor, type Work, writeImage } from "./work.ts";

/** Puts the bytes that will be replaced or removed into the store, for undo and for rollback. */
export async function keepOldBytes(
  { steps }: Plan,
  { tree, signal }: Pick<PromotionRequest, "tree" | "signal">,
  store: Store,
): Promise<void> {
  for (const { kind, path, before } of steps) {
    if (kind === "chmod" || before.type !== "file" || store.blobs.has(before.hash as string)) continue;
    signal?.throwIfAborted();
    const { image, bytes } = await tree.read(path);
    if (image.hash !== before.hash) throw stale([{ path, expected: before, actual: image }]);
    await store.blobs.put(bytes);
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

/** Writes each after-image into its temporary file. Until the decision the request may be cancelled. */
export async function prepare(work: Work, request: PromotionRequest): Promise<void> {
  for (const step of work.steps) {
    request.signal?.throwIfAborted();
    request.progress?.("prepare", step.n, work.steps.length);
    const { temporary, after } = step;
    if (temporary === undefined || !after.exists) continue;
    const write = () => writeImage(work, temporary, after, ownerFor(work, step));
    const written = await retrying(write).catch((error: unknown) => {
      throw named(error, step.path);
    });
    work.inodes.set(step.n, identityOf(written));
  }
}
