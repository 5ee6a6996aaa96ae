/**
 * Repeated applies: a client that lost the answer asks again, and is told of the operation that did it.
 * Derived from what the patches are now: what was undone since is no longer applied by it.
 */
import type { CheckedParams } from "../../protocol/methods/index.ts";
import type { OperationRow, PatchRow, SessionRow, Store } from "../store/index.ts";

type Asked = Pick<CheckedParams<"session/apply">, "patches" | "expectedDigest">;

/** The operation that has applied exactly this already. */
export function findRepeated(
  store: Store,
  session: SessionRow,
  { patches: ids, expectedDigest }: Asked,
): OperationRow | undefined {
  if (ids) {
    const patches = ids.map((id) => store.patches.require(id));
    // Another session's are not found, whatever became of them: the examination says so.
    if (patches.some((patch) => patch.session !== session.id)) return undefined;
    const operations = new Set(patches.map(appliedBy));
    const [id] = operations;
    return operations.size === 1 && id !== undefined ? store.operations.require(id) : undefined;
  }
  if (store.sessions.counts(session.id).pending > 0) return undefined;
  const operation = store.operations.lastWithDigest(session.id, expectedDigest as string);
  return operation && appliedPatches(store, operation).length > 0 ? operation : undefined;
}

function appliedBy(patch: PatchRow | undefined): string | undefined {
  return patch?.state === "Applied" ? patch.operation : undefined;
}

/** Those of its patches that are Applied by it still. */
export function appliedPatches(store: Store, { id }: OperationRow): string[] {
  return store.operations.patchesOf(id).filter((patch) => appliedBy(store.patches.get(patch)) === id);
}
