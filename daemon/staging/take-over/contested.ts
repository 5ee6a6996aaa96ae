/**
 * Contested paths: changed in the other tree, and by somebody else on disk since that was made.
 * INVARIANT: such a patch is stale from the beginning, and has the base that was known before, else one that is not what
 * is on disk now: neither version is lost, and none is applied unseen.
 */
import type { Image } from "../../../protocol/methods/index.ts";
import { ABSENT, aspectsOf, sameAspects } from "../../disk/index.ts";
import type { PatchRow, SessionRow, Store } from "../../store/index.ts";
import { announceStaged } from "../announce-staged.ts";
import { kindOf } from "../images.ts";
import type { Wanted } from "../net-effect.ts";
import { markStale } from "../settle-stale.ts";
import { insertPatch, type Measured } from "../stage.ts";
import type { View } from "../view.ts";

/** What can be on no disk: an empty link. Stands for a base that nobody has seen. */
const NEVER_SEEN: Image = { exists: true, type: "symlink", target: "" };

/** What a contested path was before both sides changed it; undefined where the disk still, or again, has just that. */
export async function lostBase(
  store: Store,
  session: SessionRow,
  view: View,
  path: string,
  after: Image,
): Promise<Image | undefined> {
  const disk = await view.baseOf(path);
  const known = unsettledAt(store, session, path)?.base;
  if (known) return sameAspects(known, disk, aspectsOf(known, after)) ? undefined : known;
  // Whatever it was, it is not what is there now.
  return after.exists && disk.exists ? ABSENT : NEVER_SEEN;
}

export function wantedFrom(path: string, base: Image, after: Image): Wanted[] {
  const kind = kindOf(base, after);
  return kind === undefined ? [] : [{ path, kind, base, after, breakHardLinks: true }];
}

/** Inside a transaction; whether the session did not have that patch yet. */
export function recordContested(
  store: Store,
  session: SessionRow,
  wanted: Measured,
  by: string | undefined,
): boolean {
  const known = unsettledAt(store, session, wanted.path);
  if (known && kindOf(known.after, wanted.after) === undefined) return false;
  if (known) store.patches.move(known.id, { state: "Discarded", reason: "superseded" });
  const patch = insertPatch(store, session, wanted);
  announceStaged(store, [patch], by);
  markStale(store, [patch]);
  return true;
}

function unsettledAt({ patches }: Store, { id, workspace }: SessionRow, path: string): PatchRow | undefined {
  return patches.unsettledAt(workspace, [path]).find((patch) => patch.session === id && patch.path === path);
}
