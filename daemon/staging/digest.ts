/**
 * The digest: what exactly an apply of a session would do, as one hash that diffs and decisions are bound to.
 * Invariant: it is made of what each pending patch would do (store/patch-row.ts, effectOf) and nothing else, so that it
 * changes exactly when what would be applied changes.
 * Time: 10,000 pending patches take some milliseconds.
 */
import { createHash } from "node:crypto";
import type { Store } from "../store/index.ts";

/** Lowercase hex sha256 over the session's pending patches as they are now. */
export function digestOf({ patches }: Pick<Store, "patches">, session: string): string {
  return createHash("sha256").update(patches.effects(session)).digest("hex");
}
