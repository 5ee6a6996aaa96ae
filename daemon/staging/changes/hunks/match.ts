/** How a part of a patch was found in its file: for the reviewer, and for whoever weighs the risk. */
import type { Patch } from "../../../../protocol/methods/index.ts";
import type { Likeness } from "./likeness.ts";

export type Match = NonNullable<Patch["match"]>[number];

/** `line` is 1-based. `isMoved`: elsewhere than the patch says. */
export function matchAt(line: number, likeness: Likeness, isMoved: boolean): Match {
  if (!isMoved) return { line, exactness: likeness };
  return { line, exactness: likeness === "exact" ? "offset" : `${likeness}+offset` };
}
