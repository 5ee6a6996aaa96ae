/**
 * Taking over: what stands in another tree, a layer's, becomes a session's patches, path by path; nothing is followed.
 * What is staged is what stands there against what is on disk, unless somebody changed that meanwhile: such a path is
 * contested, and its patch is stale from the beginning, so that neither version is lost and none is applied unseen.
 * INVARIANT: a contested patch has the base that was known before, else one that is not what is on disk now.
 * Concurrency and failure as staging's (stage.ts).
 */
import type { Image } from "../../protocol/methods/index.ts";
import { ABSENT, aspectsOf, DiskError, inParallel, isErrno, sameAspects, type Tree } from "../disk/index.ts";
import type { PatchRow, SessionRow, Store } from "../store/index.ts";
import { announceStaged } from "./announce-staged.ts";
import { learn } from "./check-syntax.ts";
import { kindOf } from "./images.ts";
import type { Wanted } from "./net-effect.ts";
import { startPace } from "./pace.ts";
import { openSnapshots } from "./snapshots.ts";
import { type Deps, insertPatch, type Measured, measure, measureEffect, recordEffect } from "./stage.ts";
import { markStale } from "./stale.ts";
import { openView, type View } from "./view.ts";

/** What stands at a path of the other tree. */
interface Standing {
  readonly path: string;
  readonly type: "file" | "symlink" | "absent";
  /** Of a file: the one that is staged, whatever it has to be read by. */
  readonly mode: number;
  /** Somebody else changed the path on disk since the other tree was made. */
  readonly isContested: boolean;
}

export interface TakeOverOptions {
  /** The other tree. */
  readonly from: Tree;
  readonly standing: readonly Standing[];
  /** Paths that stood there before, and now are as on disk. */
  readonly back: readonly string[];
  readonly by?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Runs in the transaction that records the patches; is given the paths that could not be read. */
  readonly record: (unread: readonly string[]) => void;
}

export interface TakenOver {
  /** What could not be read, or holds what no patch can say: nothing is staged there, and nothing taken back. */
  readonly unread: readonly { readonly path: string; readonly reason: string }[];
}

export function takeOver(
  deps: Deps,
  session: SessionRow,
  tree: Tree,
  { from, standing, back, by, signal, record }: TakeOverOptions,
): Promise<TakenOver> {
  const { store } = deps;
  return tree.held(async (held) => {
    const view = openView(store, session, held, signal);
    const snapshots = openSnapshots(store, from, signal);
    const pace = startPace();
    const unread: { path: string; reason: string }[] = [];
    const images = await inParallel(standing, async ({ path, type, mode }) => {
      await pace();
      if (type === "absent") return ABSENT;
      const image = await snapshots.image(path).catch((error: unknown) => {
        if (!isUnreadable(error)) throw error;
        unread.push({ path, reason: error.message });
        return undefined;
      });
      return image?.type === "file" ? recorded({ ...image, mode }) : image && recorded(image);
    });
    // Many at once; the view keeps what it finds.
    await inParallel([...standing.map(({ path }) => path), ...back], view.baseOf);
    const contested: Wanted[] = [];
    for (const [at, each] of standing.entries()) {
      await pace();
      const image = images[at];
      if (!image) continue;
      const base = each.isContested ? await lostBase(store, session, view, each.path, image) : undefined;
      if (base) contested.push(...wantedFrom(each.path, base, image));
      else view.put(each.path, { image, breakHardLinks: true });
    }
    for (const path of back) view.put(path, { image: await view.baseOf(path), breakHardLinks: true });
    await snapshots.flush();
    const effect = await measureEffect(deps, view);
    const measured = await inParallel(contested, (wanted) => measure(deps, wanted));
    const patches = store.transaction(() => {
      const rows = recordEffect(store, session, view, effect, by);
      const stale = measured.filter((wanted) => recordContested(store, session, wanted, by));
      if (rows.length + stale.length + effect.superseded.length > 0) store.sessions.reopen(session.id);
      record(unread.map(({ path }) => path));
      return rows;
    });
    void effect.looked.then(() => learn(deps, patches));
    return { unread };
  });
}

/** It is being written just now, may not be read, or is a link whose target is not UTF-8. */
function isUnreadable(error: unknown): error is Error {
  return error instanceof DiskError || isErrno(error, "EACCES", "EPERM");
}

/** Without times, and a link without what is not its own. */
function recorded({ exists, type, hash, size, mode, target }: Image): Image {
  if (!exists) return ABSENT;
  return type === "symlink" ? { exists, type, target } : { exists, type, hash, size, mode };
}

/** What can be on no disk: an empty link. Stands for a base that nobody has seen. */
const NEVER_SEEN: Image = { exists: true, type: "symlink", target: "" };

/** What a contested path was before both sides changed it; undefined where the disk still, or again, has just that. */
async function lostBase(
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

function wantedFrom(path: string, base: Image, after: Image): Wanted[] {
  const kind = kindOf(base, after);
  return kind === undefined ? [] : [{ path, kind, base, after, breakHardLinks: true }];
}

function unsettledAt({ patches }: Store, { id, workspace }: SessionRow, path: string): PatchRow | undefined {
  return patches.unsettledAt(workspace, [path]).find((patch) => patch.session === id && patch.path === path);
}

/** Whether the session did not have that patch yet. */
function recordContested(
  store: Store,
  session: SessionRow,
  wanted: Measured,
  by: string | undefined,
): boolean {
  const known = unsettledAt(store, session, wanted.path);
  if (known && JSON.stringify(recorded(known.after)) === JSON.stringify(wanted.after)) return false;
  if (known) store.patches.move(known.id, { state: "Discarded", reason: "superseded" });
  const patch = insertPatch(store, session, wanted);
  announceStaged(store, [patch], by);
  markStale(store, [patch]);
  return true;
}
