/**
 * What parsers alone found of each mutation, in percent of 20 to 60 files each: the best of the parsers measured when
 * they were chosen (oxc, swc, TypeScript, Babel, tree-sitter, ast-grep; Python's own). Of other languages, from the
 * worst language to the best. One random seed: differences below ten points are noise.
 */

export const GROUPS = ["JS and TypeScript", "Python", "others measured", "not measured"] as const;
export type Group = (typeof GROUPS)[number];

export function groupOf(language: string): Group {
  if (["javascript", "typescript", "tsx", "declarations"].includes(language)) return GROUPS[0];
  if (language === "python") return GROUPS[1];
  return MEASURED.includes(language) ? GROUPS[2] : GROUPS[3];
}

/** The other languages that there were numbers of. */
const MEASURED = "bash c c_sharp cpp css go java php ruby rust vue yaml".split(" ");

type Range = readonly [worst: number, best: number];

/** In the order of GROUPS; of the last there are none. */
export const EXPECTED: Readonly<Record<string, readonly [number | undefined, number, Range]>> = {
  "missing }": [97, 42, [74, 95]],
  "missing )": [95, 93, [79, 100]],
  "cut off in a line": [100, 65, [10, 100]],
  "conflict markers": [95, 93, [87, 100]],
  "fences around it": [50, 100, [100, 100]],
  "a fence after it": [100, 100, [0, 100]],
  "diff's + prefixes": [95, 87, [27, 100]],
  "literal \\n": [95, 10, [0, 16]],
  "elided code": [83, 67, [27, 83]],
  "wrong indentation": [undefined, 43, [67, 67]],
};
