/** The tree that is changed: files of 200 lines, in one directory; each round changes every twentieth line. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const LINES = 200;

export const textOf = (round: number): string =>
  Array.from(
    { length: LINES },
    (_, line) => `line ${line}${line % 20 === 7 ? `, round ${round}` : ""}\n`,
  ).join("");

/** Makes `count` files below `root`; gives their names, relative to it. */
export function makeTree(root: string, count: number): string[] {
  mkdirSync(join(root, "src"), { recursive: true });
  const names = Array.from({ length: count }, (_, n) => `src/file-${n}.ts`);
  for (const name of names) writeFileSync(join(root, name), textOf(-1));
  return names;
}
