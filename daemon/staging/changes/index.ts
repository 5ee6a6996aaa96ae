/**
 * Changes by kind: each is resolved at once, against what the session sees, into images at paths. The input is not
 * kept. Changes of one call build on each other; nothing is recorded before all of them succeeded (stage.ts).
 */
import type { Change } from "../../../protocol/methods/index.ts";
import { faultAbout } from "../faults.ts";
import { applyPatch } from "./apply-patch/index.ts";
import type { Context } from "./context.ts";
import { edit } from "./edit.ts";
import { chmod, remove, rename, symlink } from "./entries.ts";
import { unifiedDiff } from "./unified-diff/index.ts";
import { workspaceEdit } from "./workspace-edit/index.ts";
import { write } from "./write.ts";

type Kinds = {
  [K in Change["kind"]]: (context: Context, change: Extract<Change, { kind: K }>) => Promise<void>;
};

const KINDS: Kinds = {
  write,
  edit,
  delete: remove,
  rename,
  chmod,
  symlink,
  unifiedDiff,
  applyPatch,
  workspaceEdit,
};

/**
 * Applies one change to the view.
 *
 * @throws {IopipeError} with `index`, and `path` where the change has one; the view is of no more use
 */
export async function applyChange(context: Context, change: Change, index: number): Promise<void> {
  try {
    const apply = KINDS[change.kind] as (context: Context, change: Change) => Promise<void>;
    await apply(context, change);
  } catch (error) {
    throw faultAbout(error, "path" in change ? change.path : undefined).with({ index });
  }
}
