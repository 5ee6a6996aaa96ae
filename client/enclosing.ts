/**
 * Which directory encloses which: of a path's workspace and its place in it. Pure but for realPlace() and behindLinks().
 * Paths are absolute.
 */
import { readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative } from "node:path";

/** Whether `path` is `root` or lies below it, by their names alone. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith("../") && !isAbsolute(way);
}

/** The deepest of those whose root encloses `path`. */
export function nearest<T extends { readonly root: string }>(
  open: readonly T[],
  path: string,
): T | undefined {
  const enclosing = open.filter(({ root }) => isInside(root, path));
  return enclosing.sort((a, b) => b.root.length - a.root.length)[0];
}

/**
 * `path` by its directory's real name, as far as that exists. Its last name stays: a link there is the writer's to follow.
 * Not normalised before: `..` behind a linked directory is the operating system's to resolve.
 */
export function realPlace(path: string): string {
  return join(realDirectory(dirname(path)), basename(path));
}

/** As many as Linux follows: path_resolution(7). */
const MAX_LINKS = 40;

/** The place that a write to `file` (its realPlace()) ends at: behind the links that its last name is, dangling or not. */
export function behindLinks(file: string, left = MAX_LINKS): string {
  const target = targetOf(file);
  if (target === undefined || left === 0) return file;
  return behindLinks(realPlace(isAbsolute(target) ? target : `${dirname(file)}/${target}`), left - 1);
}

function targetOf(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined;
  }
}

function realDirectory(directory: string): string {
  try {
    // The one in JavaScript takes `..` away first.
    return realpathSync.native(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" || directory === dirname(directory)) throw error;
    return join(realDirectory(dirname(directory)), basename(directory));
  }
}
