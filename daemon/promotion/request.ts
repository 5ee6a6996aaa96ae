/**
 * What a promotion is asked to do, and whom it tells meanwhile.
 * Owns shapes only. The promotion itself is promote.ts.
 */
import type { Image, Stat, Tree } from "../disk/index.ts";
import type { DirectoryChange } from "../store/index.ts";

/** One path's change. A rename is two of one patch: the old path goes, the new one comes. */
export interface Transition {
  readonly path: string;
  readonly patch?: string | undefined;
  /** What is expected there; compared in the aspects that the transition changes (aspectsOf). */
  readonly before: Image;
  /** `hash` names a blob. A mode left open is the disk's at apply; a new file's that of the renamed one, else the umask's. */
  readonly after: Image;
  readonly breakHardLinks?: boolean | undefined;
}

/** Told while a promotion or a recovery runs; none may throw. */
export interface Hooks {
  /** Called synchronously right after a path has its new content (`stat` undefined: it is gone). */
  published?(path: string, operation: string, stat: Stat | undefined): void;
  /** Something failed that the answer does not say: a cleanup to be repeated, an unwritable record. For the log. */
  trouble?(error: unknown, operation: string): void;
}

export interface PromotionRequest extends Hooks {
  readonly workspace: string;
  readonly tree: Tree;
  readonly kind: "apply" | "undo";
  readonly session?: string | undefined;
  readonly title?: string | undefined;
  readonly agent?: string | undefined;
  readonly by?: string | undefined;
  readonly digest?: string | undefined;
  readonly undoes?: string | undefined;
  readonly transitions: readonly Transition[];
  /** Modes of directories that come back with their files (an undo's). */
  readonly makeDirectories?: readonly DirectoryChange[] | undefined;
  /** The only directories that may go when they become empty (an undo's); undefined: any. */
  readonly removeDirectories?: readonly string[] | undefined;
  /** Heeded until the decision. */
  readonly signal?: AbortSignal | undefined;
  /** Often; in bytes for the phases that move them, in files for the others. */
  progress?(phase: BytePhase | "publish" | "finish", done: number, total: number): void;
}

/** Old bytes go into the store, new ones beside their targets, the targets are read once more. */
export type BytePhase = "inspect" | "keep" | "prepare" | "compare";
