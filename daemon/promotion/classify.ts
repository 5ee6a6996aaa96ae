/**
 * Classifying: whether a target is as before a step, as after it, or somebody else's.
 * Owns the comparison by content that the decision, rollback and recovery rest on; there are no marks of progress.
 */
import {
  ABSENT,
  DiskError,
  type Image,
  lstatImage,
  type Stat,
  sameAspects,
  takeImage,
} from "../disk/index.ts";
import type { Step } from "./plan.ts";
import type { Work } from "./work.ts";

export interface Standing {
  readonly isBefore: boolean;
  readonly isAfter: boolean;
  /** Undefined for what is neither absent, a file nor a symlink. */
  readonly actual: Image | undefined;
  /** From before the bytes were read: what still has it has been changed by nobody since. */
  readonly stat: Stat | undefined;
}

export async function classify({ port, places }: Work, step: Step): Promise<Standing> {
  try {
    const place = places.find(step.path);
    if (!place) return standing(step, ABSENT, undefined);
    const stat = port.lstat(place.dir, place.name);
    const whole = step.aspects.includes("content");
    return standing(step, whole ? await takeImage(port, place) : lstatImage(port, place), stat);
  } catch (error) {
    // A directory or device at the path, or a symlink above it: not what we know.
    if (!(error instanceof DiskError)) throw error;
    return { isBefore: false, isAfter: false, actual: undefined, stat: undefined };
  }
}

function standing({ before, after, aspects }: Step, actual: Image, stat: Stat | undefined): Standing {
  return {
    isBefore: sameAspects(before, actual, aspects),
    isAfter: sameAspects(after, actual, aspects),
    actual,
    stat,
  };
}
