/**
 * Taking over: what stands in another tree, a layer's, becomes a session's patches, path by path; nothing is followed.
 * What is staged is what stands there against what is on disk, unless somebody changed that meanwhile (contested.ts).
 * In batches: what there is of it is recorded when it fails half-way, and the next time takes over the rest.
 * Time: the event loop turns between a hundred files, however many there are.
 * Concurrency as staging's (stage.ts).
 */
import type { Image } from "../../../protocol/methods/index.ts";
import { ABSENT, DiskError, inParallel, isErrno, type Tree } from "../../disk/index.ts";
import type { SessionRow } from "../../store/index.ts";
import { learn } from "../check-syntax.ts";
import type { Wanted } from "../net-effect.ts";
import { startPace } from "../pace.ts";
import { openSnapshots } from "../snapshots.ts";
import { type Deps, measure, measureEffect, recordEffect } from "../stage.ts";
import { openView } from "../view.ts";
import { lostBase, recordContested, wantedFrom } from "./contested.ts";
import { findMoves } from "./moves.ts";
import { withoutUnchanged } from "./unchanged.ts";

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
  readonly progress?: ((phase: string, done: number, total: number) => void) | undefined;
}

export interface TakenOver {
  /** What could not be read, or holds what no patch can say: nothing is staged there, and nothing taken back. */
  readonly unread: readonly { readonly path: string; readonly reason: string }[];
}

/** Recorded in one transaction: some milliseconds. */
const AT_ONCE = 100;

/** What is to stand at a path. */
interface Taken {
  readonly path: string;
  readonly image: Image;
  readonly isContested: boolean;
  /** The path that it was moved from. */
  readonly from?: string | undefined;
}

export function takeOver(
  deps: Deps,
  session: SessionRow,
  tree: Tree,
  options: TakeOverOptions,
): Promise<TakenOver> {
  const { back, from, signal, progress } = options;
  return tree.held(async (held) => {
    const view = openView(deps.store, session, held, signal);
    const among = { tree: held, from, signal };
    const standing = await withoutUnchanged(deps.store, session, options.standing, among);
    const { found, unread } = await imagesOf(deps, { ...options, standing });
    const moves = await findMoves(
      view,
      held,
      found.filter(({ isContested }) => !isContested),
    );
    const sources = new Set(moves.values());
    const groups: Taken[][] = found
      .filter(({ path }) => !sources.has(path))
      .map((each) => {
        const from = moves.get(each.path);
        return from === undefined ? [each] : [{ ...each, from }, gone(from)];
      });
    for (const path of back)
      groups.push([{ path, image: await view.baseOf(path).catch(() => ABSENT), isContested: false }]);
    for (let at = 0; at < groups.length; at += AT_ONCE) {
      progress?.("staging", at, groups.length);
      await take(deps, session, held, groups.slice(at, at + AT_ONCE).flat(), options);
    }
    return { unread };
  });
}

const gone = (path: string): Taken => ({ path, image: ABSENT, isContested: false });

/** The images of what stands there, their bytes durable. */
async function imagesOf({ store }: Deps, { from, standing, signal }: TakeOverOptions) {
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
  await snapshots.flush();
  const found = standing.flatMap(({ path, isContested }, at): Taken[] => {
    const image = images[at];
    return image ? [{ path, image, isContested }] : [];
  });
  return { found, unread };
}

async function take(
  deps: Deps,
  session: SessionRow,
  tree: Tree,
  taken: readonly Taken[],
  { by, signal }: TakeOverOptions,
): Promise<void> {
  const { store } = deps;
  const view = openView(store, session, tree, signal);
  // Many at once; the view keeps what it finds.
  await inParallel(taken, ({ path }) => view.baseOf(path));
  const contested: Wanted[] = [];
  for (const { path, image, isContested, from } of taken) {
    const base = isContested ? await lostBase(store, session, view, path, image) : undefined;
    if (base) contested.push(...wantedFrom(path, base, image));
    else {
      const origin = from ?? (await view.layerOf(path))?.from;
      view.put(path, { image, breakHardLinks: true, ...(image.exists && { from: origin }) });
    }
  }
  const effect = await measureEffect(deps, view);
  const measured = await inParallel(contested, (wanted) => measure(deps, wanted));
  const patches = store.transaction(() => {
    const rows = recordEffect(store, session, view, effect, by);
    const stale = measured.filter((wanted) => recordContested(store, session, wanted, by));
    if (rows.length + stale.length + effect.superseded.length > 0) store.sessions.reopen(session.id);
    return rows;
  });
  void effect.looked.then(() => learn(deps, patches));
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
