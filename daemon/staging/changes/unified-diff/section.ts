/**
 * A section's headers: which file becomes which, and with which mode. What names, prefixes and modes come to is decided
 * here; what the file's content becomes is parse-hunk.ts' and binary.ts'.
 * Source: git, apply.c (parse_git_diff_header, parse_traditional_patch) and Documentation/diff-generate-patch.txt.
 */
import { malformed } from "./malformed.ts";
import { modeOf } from "./modes.ts";
import { bare, nameOnLine, namesOnGitLine, toPath, without } from "./names.ts";
import { isNamePair, lineAt, type Reader, startsWith } from "./reader.ts";

/** What the headers say, names as latin1 and with their prefixes. */
export interface Headers {
  /** 0-based, of the diff. */
  readonly line: number;
  /** Of the `diff --git` line, else of `---` and `+++`, those too that GNU diff gives what is not there. */
  names?: readonly [string, string] | undefined;
  /** Of the lines `---` and `+++`; NOTHING for /dev/null. */
  minus?: string;
  plus?: string;
  from?: string;
  to?: string;
  moves?: "rename" | "copy";
  oldMode?: number;
  newMode?: number;
  creates?: boolean;
  deletes?: boolean;
  /** Of the `index` line, lowercase hex, often abbreviated. */
  ids?: readonly [old: string, now: string];
}

const NOTHING = "/dev/null";

/** The headers at the reader's line, which is a `diff --git`, or a pair of `---` and `+++`; undefined where it is neither. */
export function readHeaders(reader: Reader): Headers | undefined {
  const headers: Headers = { line: reader.at };
  const isGit = startsWith(reader, reader.at, "diff --git ");
  if (!isGit && !isNamePair(reader, reader.at)) return undefined;
  if (isGit) {
    headers.names = namesOnGitLine(lineAt(reader, reader.at++).slice("diff --git ".length));
    while (readGitHeader(headers, lineAt(reader, reader.at), reader.at)) reader.at++;
  }
  if (isNamePair(reader, reader.at)) {
    const [minus, plus] = [lineAt(reader, reader.at++).slice(4), lineAt(reader, reader.at++).slice(4)];
    headers.minus = nameOrNothing(minus);
    headers.plus = nameOrNothing(plus);
    headers.names ??= [nameOnLine(minus), nameOnLine(plus)];
  }
  return headers;
}

/** GNU diff -N gives what is not there the beginning of time. git: apply.c, is_dev_null, has_epoch_timestamp. */
const EPOCH = /\t(1969-12-31|1970-01-01) \d\d:\d\d:\d\d/;

function nameOrNothing(latin1: string): string {
  return EPOCH.test(latin1) ? NOTHING : nameOnLine(latin1);
}

type Reads = (headers: Headers, value: string, line: number) => void;

const moved =
  (moves: "rename" | "copy", end: "from" | "to"): Reads =>
  (headers, value) => {
    headers.moves = moves;
    headers[end] = nameOnLine(value);
  };

const GIT_HEADERS: readonly (readonly [prefix: string, reads: Reads])[] = [
  ["old mode ", (headers, value, line) => (headers.oldMode = modeOf(value, line))],
  ["new mode ", (headers, value, line) => (headers.newMode = modeOf(value, line))],
  [
    "new file mode ",
    (headers, value, line) => {
      headers.creates = true;
      headers.newMode = modeOf(value, line);
    },
  ],
  [
    "deleted file mode ",
    (headers, value, line) => {
      headers.deletes = true;
      headers.oldMode = modeOf(value, line);
    },
  ],
  ["rename from ", moved("rename", "from")],
  ["rename to ", moved("rename", "to")],
  ["rename old ", moved("rename", "from")],
  ["rename new ", moved("rename", "to")],
  ["copy from ", moved("copy", "from")],
  ["copy to ", moved("copy", "to")],
  ["similarity index ", () => undefined],
  ["dissimilarity index ", () => undefined],
  ["index ", readIndex],
];

/** Takes what one line says; false for a line that is none of git's headers. */
function readGitHeader(headers: Headers, text: string, line: number): boolean {
  const [prefix, reads] = GIT_HEADERS.find(([prefix]) => text.startsWith(prefix)) ?? [];
  if (prefix === undefined) return false;
  reads?.(headers, text.slice(prefix.length), line);
  return true;
}

function readIndex(headers: Headers, value: string, line: number): void {
  const [, old, now, mode] = /^([0-9a-f]+)\.\.([0-9a-f]+)(?: (\d+))?/i.exec(value) ?? [];
  if (old === undefined || now === undefined) return;
  headers.ids = [old.toLowerCase(), now.toLowerCase()];
  if (mode !== undefined) headers.oldMode ??= modeOf(mode, line);
}

export interface Names {
  /** Absent for a creation. */
  readonly from?: string;
  /** Absent for a deletion. */
  readonly to?: string;
}

/** The paths that a section is about. @throws {IopipeError} PatchMalformed where its headers contradict each other */
export function namesOf(headers: Headers): Names {
  const { line, moves, minus, plus } = headers;
  const creates = headers.creates === true || minus === NOTHING;
  const deletes = headers.deletes === true || plus === NOTHING;
  if ((creates && deletes) || (moves !== undefined && (creates || deletes)))
    throw malformed("Its headers contradict each other", { line });
  if (headers.creates && minus !== undefined && minus !== NOTHING)
    throw malformed("It creates a file that has an old name", { line });
  if (headers.deletes && plus !== undefined && plus !== NOTHING)
    throw malformed("It deletes a file that has a new name", { line });
  if (moves !== undefined) return movedNames(headers);
  const name = toPath(nameOf(headers));
  return { ...(!creates && { from: name }), ...(!deletes && { to: name }) };
}

/** `rename from` and the like have no prefixes; `---` and `+++` must not say anything else. */
function movedNames({ line, from, to, minus, plus }: Headers): Names {
  if (from === undefined || to === undefined)
    throw malformed("It renames or copies without both names", { line });
  if (!endsWithName(minus, from) || !endsWithName(plus, to))
    throw malformed(`Its names are not those of its rename`, { line });
  return { from: toPath(from), to: toPath(to) };
}

function endsWithName(given: string | undefined, name: string): boolean {
  return given === undefined || given === name || given.slice(given.indexOf("/") + 1) === name;
}

/** The one name of a section that moves nothing, as latin1. */
function nameOf({ line, names, minus, plus }: Headers): string {
  const known = names && bare(...names);
  const given = [minus, plus].filter((name) => name !== undefined && name !== NOTHING) as string[];
  if (given.length === 0) {
    if (known === undefined) throw malformed("It does not name one file", { line });
    return known;
  }
  const [old, now = old] = given as [string, string?];
  const name =
    given.length === 2 ? commonName(old, now, line) : oneName(old, known, minus === old ? "a/" : "b/");
  if (known !== undefined && name !== known)
    throw malformed(`It is about ${toPath(known)} and about ${toPath(name)}`, { line });
  return name;
}

/** What editors and `diff` put behind the name of an older version. */
const BACKUP = /^(\.orig|\.bak|\.old|~)$/;

function commonName(old: string, now: string, line: number): string {
  const name = bare(old, now);
  if (name !== undefined) return name;
  if (old.startsWith(now) && BACKUP.test(old.slice(now.length))) return without("b/", now);
  throw malformed(`${toPath(old)} and ${toPath(now)} differ without being a rename`, { line });
}

function oneName(given: string, known: string | undefined, prefix: string): string {
  if (known !== undefined && endsWithName(given, known)) return known;
  return without(prefix, given);
}
