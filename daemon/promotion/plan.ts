/**
 * The plan: which steps, in which order, through which temporary files, and which directories come and go.
 * Pure: it knows the disk only by the facts that inspect.ts read. Every refusal happens here or in what it calls, before
 * anything is touched.
 * INVARIANT: removals come first, then directories go, then directories come, then everything else; so a path or a
 * parent that a removal frees can be taken in the same promotion.
 * INVARIANT: temporary files lie in the nearest directory above their target that is there before, during and after.
 */
import {
  ABSENT,
  type Aspect,
  ancestorsOf,
  aspectsOf,
  type Image,
  joinPath,
  temporaryName,
} from "../disk/index.ts";
import type { DirectoryChange } from "../store/index.ts";
import { refuse } from "./conflicts.ts";
import { emptiedBy } from "./emptied.ts";
import type { Facts } from "./inspect.ts";
import type { Transition } from "./request.ts";

export type StepKind = "create" | "replace" | "remove" | "chmod";

export interface Step {
  /** Position in the plan and number of its row in the journal. */
  readonly n: number;
  readonly kind: StepKind;
  readonly path: string;
  readonly patch?: string | undefined;
  /** As it is on disk. */
  readonly before: Image;
  /** With the mode that the file will have. */
  readonly after: Image;
  /** What the step changes, hence what must be as in `before`. */
  readonly aspects: readonly Aspect[];
  /** Path of the after-image; for a removal only of a backup that has to be written anew. A chmod has none. */
  readonly temporary?: string | undefined;
  /** Path of the displaced file. */
  readonly backup?: string | undefined;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Outermost first. */
  readonly makes: readonly DirectoryChange[];
  /** Innermost first. */
  readonly removes: readonly DirectoryChange[];
}

export interface PlanOptions {
  /** Begins the names of this promotion's temporary files. */
  readonly mark: string;
  /** Modes for directories to be made. */
  readonly makeDirectories?: readonly DirectoryChange[] | undefined;
  /** The only directories that may go; undefined: any that the promotion empties. */
  readonly removeDirectories?: readonly string[] | undefined;
}

/** @throws {IopipeError} Stale (with all files), Conflict, HardLinked, NotAFile, PathEscape */
export function plan(transitions: readonly Transition[], facts: Facts, options: PlanOptions): Plan {
  const removes = emptiedBy(transitions, facts, options.removeDirectories);
  refuse(transitions, facts, new Set(removes.map(({ path }) => path)));
  const stays = (path: string): boolean =>
    facts.directories.has(path) && !removes.some((directory) => directory.path === path);
  const ordered = [
    ...transitions.filter(({ after }) => !after.exists),
    ...transitions.filter(({ after }) => after.exists),
  ];
  const steps = ordered.map((transition, n): Step => {
    const home = ancestorsOf(transition.path).findLast(stays) ?? "";
    const { kind, before, after } = resolved(transition, transitions, facts);
    const name = (ending: "tmp" | "bak") => joinPath(home, temporaryName(options.mark, n, ending));
    return {
      n,
      kind,
      path: transition.path,
      patch: transition.patch,
      before,
      after,
      aspects: aspectsOfStep({ kind, before, after }),
      ...(kind !== "chmod" && { temporary: name("tmp") }),
      ...((kind === "remove" || kind === "replace") && { backup: name("bak") }),
    };
  });
  return { steps, removes, makes: missing(transitions, stays, options.makeDirectories ?? []) };
}

/** What a transition comes to on this disk: its kind, and images without anything left open. */
function resolved(
  transition: Transition,
  transitions: readonly Transition[],
  facts: Facts,
): Pick<Step, "kind" | "before" | "after"> {
  const before = facts.files.get(transition.path)?.image ?? ABSENT;
  if (!transition.after.exists) return { kind: "remove", before, after: ABSENT };
  const after = carried(transition, before);
  if (after.type === "file") after.mode ??= renamedFrom(transition, transitions, facts)?.mode;
  if (after.type === "file") after.mode ??= 0o666 & ~facts.umask;
  if (!before.exists) return { kind: "create", before, after };
  const inPlace = before.type === "file" && before.hash === after.hash && !transition.breakHardLinks;
  return { kind: inPlace ? "chmod" : "replace", before, after };
}

/** The after-image with whatever the transition leaves alone as it is on disk now, not as it was when it was made. */
function carried(transition: Transition, disk: Image): Image {
  const { mtimeNs: _, ...after } = transition.after;
  if (!disk.exists) return after;
  const changes = aspectsOf(transition.before, transition.after);
  const { mtimeNs: __, ...kept } = disk;
  const content = changes.includes("content") ? after : kept;
  const mode = changes.includes("mode") ? after.mode : (disk.mode ?? after.mode);
  return { ...content, ...(mode !== undefined && content.type === "file" && { mode }) };
}

/** A step that writes the whole file depends on its whole content, also where it changes only the mode. */
export function aspectsOfStep({
  kind,
  before,
  after,
}: Pick<Step, "kind" | "before" | "after">): readonly Aspect[] {
  const aspects = aspectsOf(before, after);
  return kind !== "replace" || aspects.includes("content") ? aspects : [...aspects, "content"];
}

/** The image of the file that a created one was renamed from: the removal of the same patch. */
function renamedFrom(
  { patch, path }: Transition,
  transitions: readonly Transition[],
  facts: Facts,
): Image | undefined {
  const removed = transitions.find(
    (other) => patch !== undefined && other.patch === patch && other.path !== path,
  );
  return removed && facts.files.get(removed.path)?.image;
}

/** The directories that have to be made, outermost first. */
function missing(
  transitions: readonly Transition[],
  stays: (path: string) => boolean,
  modes: readonly DirectoryChange[],
): DirectoryChange[] {
  const wanted = transitions.filter(({ after }) => after.exists).flatMap(({ path }) => ancestorsOf(path));
  return [...new Set(wanted)]
    .filter((path) => !stays(path))
    .sort()
    .map((path) => modes.find((known) => known.path === path) ?? { path });
}
