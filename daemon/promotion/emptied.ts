/**
 * Which directories a promotion empties: they go with their last file, as git does it.
 * Pure. Making and removing them is directories.ts.
 */
import { ancestorsOf, joinPath, parentOf } from "../disk/index.ts";
import type { DirectoryChange } from "../store/index.ts";
import type { DirectoryFacts, Facts } from "./inspect.ts";
import type { Transition } from "./request.ts";

/** The directories that hold nothing but what goes, innermost first, with their modes; `allowed` undefined: any. */
export function emptiedBy(
  transitions: readonly Transition[],
  { directories }: Facts,
  allowed: readonly string[] | undefined,
): DirectoryChange[] {
  const gone = new Set(transitions.filter(({ after }) => !after.exists).map(({ path }) => path));
  const kept = new Set(
    transitions.filter(({ after }) => after.exists).flatMap(({ path }) => ancestorsOf(path)),
  );
  const above = new Set([...gone].flatMap((path) => ancestorsOf(path)));
  const deepestFirst = [...above].sort((a, b) => b.split("/").length - a.split("/").length);
  const emptied: DirectoryChange[] = [];
  for (const path of deepestFirst) {
    const facts = directories.get(path);
    if (!facts || kept.has(path) || (allowed && !allowed.includes(path))) continue;
    if (isMountPoint(facts, directories.get(parentOf(path)))) continue;
    if (!facts.entries.every(({ name }) => gone.has(joinPath(path, name)))) continue;
    gone.add(path);
    emptied.push({ path, mode: facts.mode });
  }
  return emptied;
}

/** What is mounted cannot be removed, nor lend its files to the parent meanwhile. */
function isMountPoint(facts: DirectoryFacts, parent: DirectoryFacts | undefined): boolean {
  return parent !== undefined && parent.mount !== facts.mount;
}
