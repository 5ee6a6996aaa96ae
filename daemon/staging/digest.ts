/**
 * The digest: what exactly an apply of these patches would do, as one hash that diffs and decisions are bound to.
 * Invariant: it covers path, kind, from, base and after (existence, type, content, mode, target) and nothing else: no
 * ids, times or sizes, so that it changes exactly when what would be applied changes. Source: PROTOCOL.md, "Values".
 */
import { createHash } from "node:crypto";
import type { Image } from "../../protocol/methods/index.ts";
import type { PatchRow } from "../store/index.ts";

/** Lowercase hex sha256 over `patches`, in whichever order they come. */
export function digestOf(patches: readonly PatchRow[]): string {
  const lines = patches.map(canonical).sort();
  return createHash("sha256").update(JSON.stringify(lines)).digest("hex");
}

/** JSON of an array, so that the order of fields cannot vary; absent is null. The path comes first: it sorts. */
function canonical({ path, kind, from, base, after }: PatchRow): string {
  return JSON.stringify([path, kind, from ?? null, aspects(base), aspects(after)]);
}

function aspects({ exists, type, hash, target, mode }: Image): unknown[] {
  return [exists, type ?? null, hash ?? null, target ?? null, mode ?? null];
}
