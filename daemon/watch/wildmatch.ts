/**
 * Matching a path against a glob as git does (wildmatch with WM_PATHNAME): `*` and `?` stop at a slash, `**` between
 * slashes does not, `[...]` is a set with ranges and `[:class:]`es, a backslash takes the next character literally.
 * No braces, no extended globs. Invariant: a pattern that cannot match is given up as early as git gives it up, so that
 * many stars cost no more than polynomial time.
 * Source: git wildmatch.c (dowild).
 */

const STAR = "*";

/** no: not here; noMore: no longer start can match; noFurther: none before the next `**`. */
type Outcome = "match" | "no" | "noMore" | "noFurther";

/** Whether all of `path` matches `pattern`. As in git, what follows the literal part is a pattern of its own. */
export function wildmatch(pattern: string, path: string): boolean {
  const { length } = literalPrefix(pattern);
  if (pattern.slice(0, length) !== path.slice(0, length)) return false;
  return run(asBytes(pattern.slice(length)), 0, asBytes(path.slice(length)), 0) === "match";
}

/** git counts bytes: `?` is one, and a letter beyond ASCII is several. */
function asBytes(text: string): string {
  return NOT_ASCII.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;
}

const NOT_ASCII = /[\u0080-\uffff]/;

/** Whether a path is meant by a glob as git's `:(glob)`: one without special characters means what lies below it too. */
export function matcherOf(glob: string): (path: string) => boolean {
  if (literalPrefix(glob) !== glob) return (path) => wildmatch(glob, path);
  const name = glob.replace(/\/+$/, "");
  return (path) => path === name || path.startsWith(`${name}/`);
}

/** Why no path at all can match `pattern`; undefined where it is well formed. Takes no longer than that is long. */
export function faultIn(pattern: string): string | undefined {
  for (let p = 0; p < pattern.length; p++) {
    if (pattern[p] === "\\") {
      p++;
      if (p === pattern.length) return "a backslash ends it, before nothing";
    } else if (pattern[p] === "[") {
      const set = inSet(pattern, p, "");
      if (!set) return "a set, [...], does not end or names a class that is none";
      p = set.end;
    }
  }
  return undefined;
}

/** The part of a glob before its first special character. */
export function literalPrefix(pattern: string): string {
  const special = pattern.search(/[*?[\\]/);
  return special < 0 ? pattern : pattern.slice(0, special);
}

function run(pattern: string, from: number, text: string, start: number): Outcome {
  let p = from;
  let t = start;
  for (; p < pattern.length; p++, t++) {
    const wanted = pattern[p] as string;
    const given = text[t];
    if (wanted === STAR) return star(pattern, p, text, t);
    if (given === undefined) return "noMore";
    if (wanted === "?") {
      if (given === "/") return "no";
    } else if (wanted === "[") {
      const set = inSet(pattern, p, given);
      if (!set) return "noMore";
      if (!set.matched || given === "/") return "no";
      p = set.end;
    } else {
      if (wanted === "\\") p++;
      if (pattern[p] !== given) return "no";
    }
  }
  return t === text.length ? "match" : "no";
}

/** `pattern[at]` is the first of one or more stars. */
function star(pattern: string, at: number, text: string, start: number): Outcome {
  let p = at;
  while (pattern[p] === STAR) p++;
  const ends = p === pattern.length || pattern[p] === "/" || pattern.startsWith("\\/", p);
  const bounded = (at === 0 || pattern[at - 1] === "/") && ends;
  const deep = p - at > 1 && bounded;
  // `a/**/b` also matches `a/b`.
  if (deep && pattern[p] === "/" && run(pattern, p + 1, text, start) === "match") return "match";
  if (p === pattern.length) return deep || text.indexOf("/", start) < 0 ? "match" : "no";
  for (let t = start; t <= text.length; t++) {
    const outcome = run(pattern, p, text, t);
    if (outcome === "match" || outcome === "noMore") return outcome;
    if (outcome === "noFurther" && !deep) return outcome;
    if (!deep && text[t] === "/") return "noFurther";
  }
  return "noMore";
}

/** Reads the set that begins at `pattern[at]`; undefined when it never ends or names a class that is none. */
function inSet(pattern: string, at: number, char: string): { matched: boolean; end: number } | undefined {
  let p = at + 1;
  const negated = pattern[p] === "!" || pattern[p] === "^";
  if (negated) p++;
  let matched = false;
  // Looked for once for all that stands before it.
  let bracket = -1;
  for (let first = true; first || pattern[p] !== "]"; first = false) {
    if (p >= pattern.length) return undefined;
    if (pattern.startsWith("[:", p)) {
      if (bracket < p + 2) bracket = pattern.indexOf("]", p + 2);
      if (bracket < 0) return undefined;
      if (bracket > p + 2 && pattern[bracket - 1] === ":") {
        const members = CLASSES[pattern.slice(p + 2, bracket - 1)];
        if (!members) return undefined;
        matched ||= members.test(char);
        p = bracket + 1;
        continue;
      }
    }
    if (pattern[p] === "\\") p++;
    const low = pattern[p++] ?? "";
    // The first of a range counts even where it is beyond the last.
    matched ||= char === low;
    if (pattern[p] === "-" && pattern[p + 1] !== "]" && p + 1 < pattern.length) {
      p++;
      if (pattern[p] === "\\") p++;
      const high = pattern[p++] ?? "";
      matched ||= low <= char && char <= high;
    }
  }
  return { matched: matched !== negated, end: p };
}

const CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /[^ -~\u0080-\u00ff]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t\n\r]/,
  upper: /[A-Z]/,
  xdigit: /[A-Fa-f0-9]/,
};
