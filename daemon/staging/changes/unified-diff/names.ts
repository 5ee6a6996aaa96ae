/**
 * File names in diffs as git writes them: plain or in C-style quotes, behind `a/` and `b/`, others or none.
 * Read byte for byte (a string of latin1 is bytes here) and given as text, which the wire's paths are.
 * Source: git, quote.c (unquote_c_style) and apply.c (git_header_name, find_name_traditional).
 */
import { isUtf8 } from "node:buffer";
import { ESCAPED } from "../../diff/names.ts";
import { malformed } from "./malformed.ts";

const QUOTED = /^"((?:[^"\\]|\\.)*)"/;

/** The name at the beginning of `latin1`, without its quotes, and what comes after it; undefined where none is quoted. */
function unquote(latin1: string): { name: string; rest: string } | undefined {
  const found = QUOTED.exec(latin1);
  if (!found) return undefined;
  const name = (found[1] as string).replace(/\\([0-3][0-7]{2}|.)/g, (whole, code: string) => {
    if (code.length === 3) return String.fromCharCode(Number.parseInt(code, 8));
    const character = ESCAPED[code];
    if (character === undefined) throw malformed(`It quotes a name with ${whole}, which stands for nothing`);
    return character;
  });
  return { name, rest: latin1.slice(found[0].length) };
}

/** The name on a `---`, `+++`, `rename from` or similar line; a tab ends it, and what is behind that is a time. */
export function nameOnLine(latin1: string): string {
  if (latin1.startsWith('"')) {
    const quoted = unquote(latin1);
    if (!quoted) throw malformed("It has a name whose quotes do not end");
    return quoted.name;
  }
  return latin1.split("\t", 1)[0] as string;
}

/** The two names of a `diff --git` line, which are the same but for their prefixes; undefined where none are found. */
export function namesOnGitLine(latin1: string): readonly [string, string] | undefined {
  return splits(latin1).find(([old, now]) => bare(old, now) !== undefined);
}

function splits(latin1: string): [string, string][] {
  const first = unquote(latin1);
  if (first) return [[first.name, nameOnLine(first.rest.slice(1))]];
  const quote = latin1.indexOf(' "');
  if (quote !== -1) return [[latin1.slice(0, quote), nameOnLine(latin1.slice(quote + 1))]];
  // Names may hold spaces. Prefixes are mostly of one length, so the middle is tried first.
  const middle = (latin1.length - 1) / 2;
  const spaces = [...latin1.matchAll(/ /g)].map(({ index }) => index).slice(0, MAX_SPACES);
  const tried = spaces.includes(middle) ? [middle, ...spaces] : spaces;
  return tried.map((at) => [latin1.slice(0, at), latin1.slice(at + 1)]);
}

/** Spaces in a `diff --git` line at which its names are split, for a trial. */
const MAX_SPACES = 200;

/** The name behind the prefixes of `old` and `now`, which is all of it where they have none; undefined if they differ. */
export function bare(old: string, now: string): string | undefined {
  if (old === now) return old;
  const [oldRest, nowRest] = [behindFirst(old), behindFirst(now)];
  if (oldRest !== undefined && oldRest === nowRest) return nowRest;
  return undefined;
}

/** What is behind the first component; undefined where there is only one. */
function behindFirst(name: string): string | undefined {
  const slash = name.indexOf("/");
  return slash === -1 ? undefined : name.slice(slash + 1);
}

/** `name` without `prefix`, where it has it. */
export function without(prefix: string, name: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

/** @throws {IopipeError} PatchMalformed for a name that is not UTF-8: the wire cannot say it */
export function toPath(latin1: string): string {
  const bytes = Buffer.from(latin1, "latin1");
  const text = bytes.toString("utf8");
  if (!isUtf8(bytes)) throw malformed(`The name ${text} is not UTF-8`);
  return text;
}
