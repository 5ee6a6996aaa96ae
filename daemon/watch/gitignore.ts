/**
 * The lines of an ignore file: read once into rules, then asked about paths. Pure.
 * Owns git's pattern format (gitignore(5)); which files apply to a path and in which order is ignore.ts.
 */

import { wildmatch } from "./wildmatch.ts";

export interface Rule {
  readonly pattern: string;
  /** `!pattern`: takes back what an earlier rule ignored. */
  readonly negated: boolean;
  /** `pattern/`: only directories. */
  readonly directoryOnly: boolean;
  /** Matched against the path from the file's directory; without a slash in it, against the name alone. */
  readonly anchored: boolean;
  /** No special characters: compared as it is. */
  readonly literal: boolean;
  /** The pattern is in lower case, and what is compared with it is to be. */
  readonly anyCase: boolean;
}

/** The rules of an ignore file, in its order. */
export function parseIgnoreFile(text: string, anyCase = false): Rule[] {
  return text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .map((line) => parseLine(anyCase ? lowered(line) : line, anyCase))
    .filter((rule) => rule !== undefined);
}

/** As git folds: ASCII alone. */
function lowered(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function parseLine(line: string, anyCase: boolean): Rule | undefined {
  let pattern = withoutTrailingSpaces(line.replace(/\r$/, ""));
  if (pattern === "" || pattern.startsWith("#")) return undefined;
  const negated = pattern.startsWith("!");
  if (negated) pattern = pattern.slice(1);
  const directoryOnly = pattern.endsWith("/");
  if (directoryOnly) pattern = pattern.slice(0, -1);
  const anchored = pattern.includes("/");
  if (pattern.startsWith("/")) pattern = pattern.slice(1);
  if (pattern === "") return undefined;
  return { pattern, negated, directoryOnly, anchored, literal: !/[*?[\\]/.test(pattern), anyCase };
}

/** Spaces at the end do not count, unless a backslash is before them. */
function withoutTrailingSpaces(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === " " && !isEscaped(line, end - 1)) end--;
  return line.slice(0, end);
}

function isEscaped(line: string, at: number): boolean {
  let backslashes = 0;
  while (line[at - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}

/** What the last matching rule says of `path` (relative to the file's directory); undefined when none matches. */
export function verdictOf(
  rules: readonly Rule[],
  path: string,
  isDirectory: boolean,
): "ignored" | "kept" | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  for (let index = rules.length - 1; index >= 0; index--) {
    const rule = rules[index] as Rule;
    if (rule.directoryOnly && !isDirectory) continue;
    const given = rule.anchored ? path : name;
    const subject = rule.anyCase ? lowered(given) : given;
    if (rule.literal ? rule.pattern === subject : wildmatch(rule.pattern, subject)) {
      return rule.negated ? "kept" : "ignored";
    }
  }
  return undefined;
}
