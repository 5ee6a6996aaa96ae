/**
 * The layers over git's directories outside the root (git-directories.ts says which): each has a directory of its own,
 * by its number from 1, with upper and work for enter.sh, and the link `of` to what it covers.
 * Owns their making and what is told of them at the end. Nothing in there is ever staged; it goes with the layer.
 */
import { mkdirSync, symlinkSync } from "node:fs";
import { readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { type LayerPlace, makeLike } from "./place.ts";
import type { Unstaged } from "./standing.ts";

/** The root of a layer is a mount, where git would stop looking for a repository that the root is a part of. git(1). */
export const GIT_FINDS_ABOVE = { GIT_DISCOVERY_ACROSS_FILESYSTEM: "1" } as const;

export function makeGitLayers({ git }: LayerPlace, covered: readonly string[]): void {
  for (const [at, path] of covered.entries()) {
    const layer = join(git, String(at + 1));
    const [upper, work] = [join(layer, "upper"), join(layer, "work")];
    for (const directory of [upper, work]) mkdirSync(directory, { recursive: true, mode: 0o700 });
    symlinkSync(path, join(layer, "of"));
    makeLike(upper, path);
  }
}

/** How many of the names that a command has changed in one are told. */
const MAX_NAMES = 10;

/** What the command has changed in them; none of it can be staged. */
export async function readGitLayers({ git }: LayerPlace): Promise<Unstaged[]> {
  const unstaged: Unstaged[] = [];
  for (const layer of await namesIn(git)) {
    const names = await namesIn(join(git, layer, "upper"));
    if (names.length === 0) continue;
    const of = await readlink(join(git, layer, "of"));
    unstaged.push({ path: ".git", reason: ofGit(of, names) });
  }
  return unstaged;
}

/** Why nothing of what a command has changed in git's directory `path` is staged, and what becomes of it. */
export function ofGit(path: string, names: readonly string[]): string {
  const told = [...names.slice(0, MAX_NAMES), ...(names.length > MAX_NAMES ? ["…"] : [])].join(", ");
  return `'${path}' belongs to git (${told}), and goes with the layer.`;
}

/** None of what a command has closed, or an older daemon has not made. */
async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(() => [])).sort();
}
