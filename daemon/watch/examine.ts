/**
 * Examining one path: looks at it, compares it with its row, and says what is to be done. Writes nothing.
 * Owns the decision per path. The rules of difference are compare.ts, directories are read by scan.ts, and the queue
 * and the writing are reconcile.ts.
 * Invariant: a path is looked at only where the directory above it is known to be a directory, so that no link is
 * followed out of the root.
 * RACE: that directory may be swapped for a link between its row and the look: at worst a name that lies outside is
 * listed until the link's own event, already on its way, takes it back.
 */

import { parentOf } from "../disk/path.ts";
import type { WatchRow } from "../store/watch-row.ts";
import { compare, type Difference } from "./compare.ts";
import type { Direct } from "./direct.ts";
import type { Ignore } from "./ignore.ts";
import type { Ledger } from "./ledger.ts";
import { type Seen, sameStat } from "./look.ts";
import type { Sight } from "./sight.ts";

/** What the steps of reconciling share. */
export interface Ground {
  readonly root: string;
  readonly ledger: Ledger;
  readonly ignore: Ignore;
  readonly direct: Direct;
  readonly sight: Sight;
  /** Own writes since the step began: what it saw of them may be older than their rows. */
  readonly published: Set<string>;
  /** Whether a path is none of the root's content: `.git`, temporary names, the daemon's own directories. */
  hidden(path: string): boolean;
  /** Says once that a path cannot be watched. */
  warn(message: string): void;
}

export type Finding =
  | { readonly do: "nothing" }
  /** Wait a moment: it may be an atomic save on its way. */
  | { readonly do: "hold"; readonly path: string }
  /** The directory above is not known yet: that one comes first. */
  | { readonly do: "hint"; readonly path: string }
  | { readonly do: "vanish"; readonly path: string }
  /** `shallow`: the directories below that are known are what they were. */
  | { readonly do: "walk"; readonly path: string; readonly seen: Seen; readonly shallow?: boolean }
  /** Something below an ignored directory changed; with `seen`, the directory itself did. */
  | { readonly do: "fold"; readonly path: string; readonly seen?: Seen }
  | {
      readonly do: "record";
      readonly path: string;
      readonly seen: Seen;
      readonly difference?: Difference;
      readonly hash?: string;
    };

const NOTHING: Finding = { do: "nothing" };

/** `ripe`: appearing and vanishing is believed at once. `hashing`: the bytes of what changed are worth knowing. */
export async function examine(
  ground: Ground,
  file: string,
  options: { readonly ripe: boolean; readonly hashing: boolean },
): Promise<Finding> {
  const { ignore, ledger, direct } = ground;
  const fold = ignore.foldOf(file, false);
  if (fold !== undefined) return { do: "fold", path: fold };
  const row = ledger.table.get(file);
  const alive = row !== undefined && !row.deleted;
  if (!(await isReachable(ground, file))) {
    const parent = parentOf(file);
    if (!ignore.isExempt(file)) return { do: "hint", path: parent };
    return alive ? { do: "vanish", path: file } : NOTHING;
  }
  const seen = await ground.sight.glance(file);
  if (!seen) {
    if (!alive) return NOTHING;
    return options.ripe ? { do: "vanish", path: file } : { do: "hold", path: file };
  }
  if (seen.kind === "directory") {
    if (ignore.foldOf(file, true) !== undefined) return foldItself(row, file, seen);
    const known = alive && sameStat(row as Seen, seen) && direct.has(file);
    const shallow = alive && row.identity === seen.identity && direct.isWanted(file);
    return known ? NOTHING : { do: "walk", path: file, seen, shallow };
  }
  if (!alive && !options.ripe) return { do: "hold", path: file };
  return (await judge(ground, file, row, seen, options.hashing)) ?? NOTHING;
}

/** Names what happened to a file or link; undefined when nothing did. */
export async function judge(
  ground: Ground,
  file: string,
  row: WatchRow | undefined,
  seen: Seen,
  hashing: boolean,
): Promise<Extract<Finding, { do: "record" }> | undefined> {
  const difference = compare(row, seen);
  if (!difference) return undefined;
  // What is racy is told by its bytes alone the next time: without them it would be told as changed.
  const wanted = seen.racy || difference.content === "maybe" || (hashing && difference.content === "yes");
  const hash = wanted ? await ground.sight.hash(file, seen) : undefined;
  const known = hash === undefined ? {} : { hash };
  if (difference.content !== "maybe") {
    // An own write's echo within one tick of the clock: its row stands.
    if (row?.racy && row.origin === "iopipe" && !row.deleted && sameStat(row as Seen, seen)) {
      return { do: "record", path: file, seen, ...known };
    }
    return { do: "record", path: file, seen, difference, ...known };
  }
  const content = hash !== undefined && hash === row?.hash ? "no" : "yes";
  const silent = content === "no" && !difference.mode && !difference.type;
  return {
    do: "record",
    path: file,
    seen,
    ...(silent ? {} : { difference: { ...difference, content } }),
    ...known,
  };
}

/** An ignored directory is one entry; it is news when it is new or its own times changed. */
export function foldItself(row: WatchRow | undefined, file: string, seen: Seen): Finding {
  const known =
    row?.kind === "folded" && !row.deleted && row.identity === seen.identity && row.mtimeNs === seen.mtimeNs;
  return known ? NOTHING : { do: "fold", path: file, seen };
}

/** Whether the table knows a directory above `file`; what is exempt below an ignored one needs none. */
export function isBelowDirectory(ground: Ground, file: string): boolean {
  return isBelowKnown(ground, file) || ground.ignore.isExempt(file);
}

function isBelowKnown({ ledger, direct }: Ground, file: string): boolean {
  const parent = parentOf(file);
  // What is watched directly is known; that takes no look at the table.
  return parent === "" || direct.has(parent) || ledger.table.kind(parent) === "directory";
}

/** Whether an own write at or below `file` makes what was seen of it old. */
export function isPublished({ published }: Ground, file: string): boolean {
  return published.has(file) || published.values().some((path) => path.startsWith(`${file}/`));
}

async function isReachable(ground: Ground, file: string): Promise<boolean> {
  const { sight, ignore } = ground;
  if (isBelowKnown(ground, file)) return true;
  if (!ignore.isExempt(file)) return false;
  for (let directory = parentOf(file); directory !== ""; directory = parentOf(directory)) {
    if ((await sight.look(directory))?.kind !== "directory") return false;
  }
  return true;
}
