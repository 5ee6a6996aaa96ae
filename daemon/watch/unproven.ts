/**
 * Which files the direct watches cannot vouch for, among those that are listed one by one: the ones in ignored or
 * uncovered directories. A proof looks at these itself; at ten thousand pending ones it could not.
 */
import { parentOf } from "../disk/path.ts";
import type { RootTable } from "../store/watch-table.ts";
import type { Direct } from "./direct.ts";

export function unproven(
  files: Iterable<string>,
  table: Pick<RootTable, "kind">,
  direct: Pick<Direct, "has">,
): string[] {
  const known = new Map<string, boolean>();
  const isCovered = (directory: string): boolean => {
    const found = known.get(directory);
    if (found !== undefined) return found;
    // A directory that is not there yet will show in the one above it.
    const isAbsent = directory !== "" && table.kind(directory) === undefined;
    const covered = isAbsent ? isCovered(parentOf(directory)) : direct.has(directory);
    known.set(directory, covered);
    return covered;
  };
  return [...files].filter((file) => !isCovered(parentOf(file)));
}
