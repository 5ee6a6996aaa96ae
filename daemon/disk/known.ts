/**
 * Known images: large files whose hash need not be computed again, for their inode says that nobody wrote since.
 * Owns that memory, of one tree. For showing only: whatever is decided by content reads it (take.ts).
 * INVARIANT: a file is remembered only when its times are older than RACY_MS: a later write then shows in them.
 * RACE: a page that was mapped and written before may be written again without a new time, for up to the half minute
 * until the kernel writes it back. Worst case: a hash that is shown is that of the bytes before.
 */
import type { Image } from "./image.ts";
import type { Port, Stat } from "./port.ts";
import type { Place } from "./read.ts";
import { takeImage } from "./take.ts";

/** Smaller files are read each time: that is about as quick. */
const LARGE_BYTES = 1024n * 1024n;

/** Coarser than the times of any file system that is met. As git, for its index. */
const RACY_MS = 2000;

/** Files remembered at most; the oldest goes. */
const MAX_FILES = 64;

/** As takeImage, from memory where that will do. */
export type KnownImages = (port: Port, place: Place) => Promise<Image>;

export function openKnownImages(): KnownImages {
  const known = new Map<string, { readonly stat: Stat; readonly image: Image }>();
  return async (port, place) => {
    const stat = port.lstat(place.dir, place.name);
    const seen = known.get(place.path);
    if (stat && seen && isUntouched(seen.stat, stat)) return seen.image;
    known.delete(place.path);
    const image = await takeImage(port, place);
    if (stat && isSettled(stat) && isUntouched(stat, port.lstat(place.dir, place.name))) {
      known.set(place.path, { stat, image });
      for (const path of [...known.keys()].slice(0, -MAX_FILES)) known.delete(path);
    }
    return image;
  };
}

function isSettled({ size, mtimeNs, ctimeNs }: Stat): boolean {
  const youngest = BigInt(Date.now() - RACY_MS) * 1_000_000n;
  return size > LARGE_BYTES && mtimeNs < youngest && ctimeNs < youngest;
}

const TOLD = ["dev", "ino", "birthtimeNs", "size", "mtimeNs", "ctimeNs", "mode"] as const;

function isUntouched(before: Stat, now: Stat | undefined): boolean {
  return now !== undefined && TOLD.every((field) => before[field] === now[field]);
}
