/**
 * Classifying: whether a target is as before a step, as after it, or somebody else's.
 * Owns the comparison by content that the decision, rollback and recovery rest on; there are no marks of progress.
 */
import {
  ABSENT,
  DiskError,
  type EntryType,
  type Image,
  lstatImage,
  type Sink,
  type Stat,
  sameAspects,
  takeImage,
  typeOf,
} from "../disk/index.ts";
import type { Step } from "./plan.ts";
import { lstat, type Work } from "./work.ts";

export interface Standing {
  readonly isBefore: boolean;
  readonly isAfter: boolean;
  /** Undefined for what is neither absent, a file nor a symlink. */
  readonly actual: Image | undefined;
  /** From before the bytes were read: what still has it has been changed by nobody since. */
  readonly stat: Stat | undefined;
}

/** `sink` is given the bytes that are compared. */
export async function classify(work: Work, step: Step, sink?: Sink): Promise<Standing> {
  const { port, places } = work;
  try {
    const place = isHeldByOtherHalf(work, step) ? undefined : places.find(step.path);
    if (!place) return standing(step, ABSENT, undefined);
    const stat = port.lstat(place.dir, place.name);
    const whole = step.aspects.includes("content");
    return standing(step, whole ? await takeImage(port, place, sink) : lstatImage(port, place), stat);
  } catch (error) {
    // A directory or device at the path, or a symlink above it: not what we know.
    if (!(error instanceof DiskError)) throw error;
    return { isBefore: false, isAfter: false, actual: undefined, stat: undefined };
  }
}

/**
 * Whether the operation's own other half holds the place, so that the step's file is absent: a directory that goes first
 * (or has come since), or a file or link above the path that does.
 */
function isHeldByOtherHalf(work: Work, { kind, path }: Step): boolean {
  const isCreate = kind === "create";
  const other = isCreate ? "remove" : "create";
  const above = work.steps.find((step) => step.kind === other && path.startsWith(`${step.path}/`));
  if (above) return isOfType(work, above.path, (type) => type !== "directory");
  const directories = isCreate ? work.removes : work.makes;
  return (
    directories.some((directory) => directory.path === path) &&
    isOfType(work, path, (type) => type === "directory")
  );
}

function isOfType(work: Work, path: string, wanted: (type: EntryType) => boolean): boolean {
  const stat = lstat(work, path);
  return stat !== undefined && wanted(typeOf(stat));
}

function standing({ before, after, aspects }: Step, actual: Image, stat: Stat | undefined): Standing {
  return {
    isBefore: sameAspects(before, actual, aspects),
    isAfter: sameAspects(after, actual, aspects),
    actual,
    stat,
  };
}
