/**
 * Files of ignore rules: where they are, besides those of the tree itself, what is in them, and whether one changed.
 * Owns reading them. What the rules say of a path is ignore.ts.
 * Failure: a file that is absent, a directory, unreadable or too large has no rules; git goes on without it too.
 */

import { lstat, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { findRepository, type Repository } from "./git.ts";
import { parseIgnoreFile, type Rule } from "./gitignore.ts";

/** Rules from outside the root. */
export interface Source {
  /** Absolute; patterns are relative to it. */
  readonly directory: string;
  readonly rules: readonly Rule[];
  /** They hold in repositories within the root too. */
  readonly everywhere: boolean;
}

const MAX_BYTES = 1024 * 1024;

/** Starts git only where there is something to find: at first, and when a repository came or went. */
export async function findAgain(
  root: string,
  known: Repository | undefined,
  first: boolean,
): Promise<Repository | undefined> {
  const sign = known?.gitDir ?? path.join(root, ".git");
  const isThere = (await stat(sign).catch(() => undefined)) !== undefined;
  if (!first && isThere === (known !== undefined)) return known;
  return findRepository(root);
}

/** The files outside the root's own tree that decide what is tracked or ignored, without HEAD. */
export function decidingFiles(root: string, repository: Repository): string[] {
  const excludes = repository.excludeFiles.filter((file) => file !== undefined);
  const above = directoriesAbove(root, repository).map((directory) => path.join(directory, ".gitignore"));
  return [path.join(repository.gitDir, "index"), ...excludes, ...repository.configFiles, ...above];
}

/** Another one when one of the files is. */
export async function stampOf(files: readonly string[]): Promise<string> {
  const stats = await Promise.all(files.map((file) => stat(file, { bigint: true }).catch(() => undefined)));
  return stats.map((one) => (one ? `${one.ino}:${one.size}:${one.mtimeNs}` : "-")).join();
}

/** The rules from outside the root, strongest first: .gitignore files above it, info/exclude, the user's file. */
export async function rulesOutside(root: string, repository: Repository): Promise<Source[]> {
  const { top, ignoresCase } = repository;
  const above = directoriesAbove(root, repository).map(async (directory): Promise<Source> => {
    const rules = await readTreeRules(path.join(directory, ".gitignore"), ignoresCase);
    return { directory, rules, everywhere: false };
  });
  const [ofUser, ofRepository] = repository.excludeFiles;
  const sources = await Promise.all([
    ...above,
    readRules(ofRepository, ignoresCase).then((rules) => ({ directory: top, rules, everywhere: false })),
    readRules(ofUser, ignoresCase).then((rules) => ({ directory: top, rules, everywhere: true })),
  ]);
  return sources.filter(({ rules }) => rules.length > 0);
}

/** From the root's parent to the repository's top; none where the root is the top. */
function directoriesAbove(root: string, { top }: Repository): string[] {
  const names = path.relative(top, root).split(path.sep).filter(Boolean);
  if (names[0] === "..") return [];
  return names.map((_, at) => path.join(top, ...names.slice(0, at))).reverse();
}

/** A .gitignore of the working tree; a link there is not followed. Source: gitignore(5), NOTES. */
export async function readTreeRules(file: string, anyCase?: boolean): Promise<readonly Rule[]> {
  const entry = await lstat(file).catch(() => undefined);
  return entry?.isFile() ? readRules(file, anyCase) : [];
}

async function readRules(file: string | undefined, anyCase?: boolean): Promise<readonly Rule[]> {
  try {
    const { size } = await stat(file ?? "");
    return size > MAX_BYTES || file === undefined
      ? []
      : parseIgnoreFile(await readFile(file, "utf8"), anyCase);
  } catch {
    return [];
  }
}
