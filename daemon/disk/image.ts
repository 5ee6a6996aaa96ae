/**
 * Images: what stands at a path, and in which aspects two of them differ.
 * Owns the comparison that staleness, promotion, recovery and undo all use. Taking an image is tree.ts.
 * INVARIANT: equality is decided by content, never by times or sizes.
 */

/** Structurally the wire's Image. */
export interface Image {
  exists: boolean;
  type?: "file" | "symlink" | undefined;
  /** Lowercase hex sha256 of a file's bytes. */
  hash?: string | undefined;
  size?: number | undefined;
  /** Permission bits of a file; a symlink has none. */
  mode?: number | undefined;
  /** Decimal nanoseconds: when to look, never what is there. */
  mtimeNs?: string | undefined;
  /** Where a symlink points. */
  target?: string | undefined;
}

export const ABSENT: Image = { exists: false };

export type Aspect = "existence" | "type" | "content" | "mode";

const EQUAL: Readonly<Record<Aspect, (a: Image, b: Image) => boolean>> = {
  existence: (a, b) => a.exists === b.exists,
  type: (a, b) => a.type === b.type,
  content: (a, b) => a.hash === b.hash && a.target === b.target,
  mode: (a, b) => a.mode === b.mode,
};

/**
 * The aspects that must be as in `base` for a change to `after` to be made, or as in `after` for it to be taken back.
 *
 * A mode that `after` leaves open is not changed. A file that comes or goes is compared by what it holds, not by its
 * mode: the mode at that time is recorded and comes back with it.
 */
export function aspectsOf(base: Image, after: Image): Aspect[] {
  if (!base.exists || !after.exists) return ["existence", "type", "content"];
  const aspects: Aspect[] = ["existence", "type"];
  if (base.type !== after.type || !EQUAL.content(base, after)) aspects.push("content");
  if (base.type === "file" && after.mode !== undefined && !EQUAL.mode(base, after)) aspects.push("mode");
  return aspects;
}

export function sameAspects(expected: Image, actual: Image, aspects: readonly Aspect[]): boolean {
  return aspects.every((aspect) => EQUAL[aspect](expected, actual));
}
