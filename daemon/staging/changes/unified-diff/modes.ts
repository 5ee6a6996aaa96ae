/**
 * git's modes: a file's or a symlink's type, and the permissions that go with it.
 * Source: git, Documentation/diff-generate-patch.txt.
 */
import type { Image } from "../../../../protocol/methods/index.ts";
import type { View } from "../../view.ts";
import { malformed } from "./malformed.ts";

const TYPE = 0o170000;
const FILE = 0o100000;
const SYMLINK = 0o120000;

/** What a header says. `line`: 0-based, of the diff. @throws {IopipeError} PatchMalformed for what is neither type */
export function modeOf(text: string, line: number): number {
  const mode = /^[0-7]{1,6}$/.test(text) ? Number.parseInt(text, 8) : 0;
  if ((mode & TYPE) === FILE || (mode & TYPE) === SYMLINK) return mode;
  const what = mode === 0o160000 ? "a submodule's" : "neither a file's nor a symlink's";
  throw malformed(`Mode ${text} is ${what}`, { line });
}

/** The mode of what is there, as git would have it. */
export function modeIn({ type, mode = 0 }: Image): number {
  return type === "symlink" ? SYMLINK : FILE | mode;
}

export function isSymlink(mode: number): boolean {
  return (mode & TYPE) === SYMLINK;
}

/** git knows two modes and leaves the rest to the umask, or to the file; others are meant as they are. */
export async function permissions(
  view: View,
  path: string,
  gitMode: number,
  old: number | undefined,
): Promise<number> {
  const mode = gitMode & 0o7777;
  if (mode === old || (mode !== 0o644 && mode !== 0o755)) return mode;
  const plain = old === undefined ? await view.modeOfNewFile(path) : old & ~0o111;
  return mode === 0o644 ? plain : plain | ((plain & 0o444) >> 2);
}
