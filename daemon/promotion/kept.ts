/**
 * What a file keeps when its bytes come to lie in another inode: owner, group, extended attributes. (Its mode is part
 * of its image.)
 * Owns where they come from: the file itself, for a rename the one at the old path, else what the operation that is
 * undone recorded of it. How they are given is the disk's.
 * RACE: attributes that somebody changes after the comparison of decide.ts and before the file is published. Worst case:
 * that change is lost; the bytes are not.
 */
import { IopipeError } from "../../protocol/wire/errors.ts";
import { type ExtendedAttributes, inParallel, readExtended, type Stat, typeOf } from "../disk/index.ts";
import type { Kept } from "../store/index.ts";
import type { Step } from "./plan.ts";
import { lstat, type Work } from "./work.ts";

export interface Legacy {
  readonly owner: Pick<Kept, "uid" | "gid">;
  /** Undefined where the new file's are its own. */
  readonly extended?: ExtendedAttributes | undefined;
}

/** What the file of a step takes over; undefined for one that is new. */
export function legacyFor(work: Work, step: Step): Legacy | undefined {
  const old = work.steps.find(
    ({ kind, patch }) => kind === "remove" && patch !== undefined && patch === step.patch,
  );
  const candidates = [step.before.exists ? step.path : undefined, old?.path, old?.backup, step.backup];
  for (const path of candidates) {
    const stat = path === undefined ? undefined : lstat(work, path);
    if (path !== undefined && stat) return legacyOf(work, step, path, stat);
  }
  return recordedBy(work, work.undoes, step);
}

/** What the file that a step displaced takes over, where it has to be written anew: the new file has the same. */
export function legacyOfDisplaced(work: Work, step: Step): Legacy | undefined {
  const stat = lstat(work, step.path);
  return recordedBy(work, work.id, step) ?? (stat && legacyOf(work, step, step.path, stat));
}

/** Reads what goes with files that no other file follows, for the journal: an undo may make them again. */
export async function keepAttributes(work: Work): Promise<void> {
  const going = work.steps.filter(({ before, after }) => before.type === "file" && after.type !== "file");
  await inParallel(going, async ({ n, path }) => {
    const stat = lstat(work, path);
    // Gone meanwhile: the comparison will say so.
    if (!stat) return;
    const { owner, extended } = read(work, path, stat);
    work.kept.set(n, { ...owner, extended });
  });
}

/** Refuses a change of attributes since they were read. `now`: before the bytes were compared. @throws {IopipeError} Conflict */
export function refuseChangedAttributes(work: Work, { path }: Step, now: Stat | undefined): void {
  const then = work.changedAt.get(path);
  if (then === undefined || then === now?.ctimeNs) return;
  throw new IopipeError("Conflict", `The attributes of '${path}' were changed meanwhile.`, { path });
}

/** From what stands at `path`; a symlink has an owner, but nothing else that a file could take over. */
function legacyOf(work: Work, step: Step, path: string, stat: Stat): Legacy {
  if (typeOf(stat) === "file") return read(work, path, stat);
  return recordedBy(work, work.undoes, step) ?? { owner: ownerOf(stat) };
}

function read(work: Work, path: string, stat: Stat): Legacy {
  work.changedAt.set(path, stat.ctimeNs);
  return { owner: ownerOf(stat), extended: readExtended(work.port, work.places.at(path)) };
}

function ownerOf({ uid, gid }: Stat): Legacy["owner"] {
  return { uid: Number(uid), gid: Number(gid) };
}

function recordedBy({ store }: Work, operation: string | undefined, { path }: Step): Legacy | undefined {
  const kept = operation === undefined ? undefined : store.operations.kept(operation, path);
  return kept && { owner: kept, extended: kept.extended };
}
