/**
 * Swapping: a file of ours takes a target's place, and what it displaces is looked at rather than trusted to be what was
 * seen last.
 * INVARIANT: whoever replaces the target in the same moment has the last word, and every version of theirs is then at
 * the target or under our name, which the sweep looks at.
 * RACE: where names cannot be exchanged (some network file systems, macOS), the target is replaced by a rename, about
 * 20 µs after the last look. Worst case: a version that another program put there in between, by a rename of its own, is
 * lost.
 */
import { identityOf, isErrno, type Place } from "../disk/index.ts";
import type { Step } from "./plan.ts";
import { lstat, type Work } from "./work.ts";

/**
 * Puts the file at `ours` in the place of the target at `path`, of which `other` is a second name; what it displaced may
 * have our name then. `swapped` is called with nothing in between that could fail.
 *
 * Says false when the target was another by then, or gone; it then is what it was last made by somebody else.
 */
export function swapIn(
  work: Work,
  path: string,
  ours: string,
  other: string,
  swapped: () => void = () => undefined,
): boolean {
  const { port, places } = work;
  const [target, fresh] = [places.at(path), places.at(ours)];
  let [expected, put] = [identify(work, other), identify(work, ours)];
  for (let isFirst = true; ; isFirst = false) {
    const exchanged = exchange(work, fresh, target);
    if (exchanged === "gone") return false;
    if (exchanged === "cannot") {
      port.rename(fresh.dir, fresh.name, target.dir, target.name);
      swapped();
      return true;
    }
    swapped();
    const displaced = identify(work, ours);
    if (displaced === expected) return isFirst;
    // Somebody's: it goes back, unless they have replaced ours in turn, which then is newer.
    [expected, put] = [put, displaced];
  }
}

/** Not the inode's number alone: once ours is replaced, the next file that somebody saves may be given it. */
function identify(work: Work, path: string): string | undefined {
  const stat = lstat(work, path);
  return stat && identityOf(stat);
}

/**
 * Puts back what the swap of a published step displaced and did not expect, where a crash or an error has kept it from
 * doing so: ours stands in its place, and it has our name. Without a backup to compare with it may be the old file.
 */
export function putBackDisplaced(work: Work, { n, path, temporary, backup }: Step): void {
  const ours = work.inodes.get(n);
  const [target, displaced, expected] = [path, temporary, backup].map((name) => lstat(work, name as string));
  if (!target || !displaced || !expected || identityOf(target) !== ours) return;
  if (identityOf(displaced) === ours || displaced.ino === expected.ino) return;
  swapIn(work, path, temporary as string, path);
}

function exchange({ port }: Work, fresh: Place, target: Place): "done" | "cannot" | "gone" {
  try {
    return port.exchange(fresh.dir, fresh.name, target.dir, target.name) ? "done" : "cannot";
  } catch (error) {
    if (isErrno(error, "ENOENT")) return "gone";
    throw error;
  }
}
