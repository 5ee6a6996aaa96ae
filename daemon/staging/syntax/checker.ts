/**
 * The checker: what the syntax of a patch is, by the reports on its base and on its result.
 * Owns the reports, in memory, by blob and language: a content is parsed once, whoever stages it. They are derived and
 * may be forgotten; after a restart they are made again when asked for.
 * Failure: never rejects; what could not be looked at is unknown.
 */
import type { Image, Syntax } from "../../../protocol/methods/index.ts";
import type { PatchRow, Store } from "../../store/index.ts";
import { type Language, languageOf, TEXT } from "./language.ts";
import { type ParserOptions, startParserProcess } from "./parser-process.ts";
import { MAX_CHECKED_BYTES, NO_PARSER, type Report, unknown } from "./report.ts";
import { judge, type Verdict } from "./rule.ts";
import { hasConflict } from "./text-checks.ts";

/** What of a patch is looked at. */
export type Checked = Pick<PatchRow, "path" | "from" | "base" | "after">;

export interface Checker {
  /** Looks, where nobody has; undefined where the patch brings no new content (deletion, link, mode, mere rename). */
  check(patch: Checked): Promise<Verdict | undefined>;
  /** What is known by now, at once. */
  known(patch: Checked): Verdict | undefined;
  /** The process id of the child that parses, while there is one. */
  readonly pid: number | undefined;
  /** Nothing that it says any more was looked at. */
  readonly closed: boolean;
  close(): Promise<void>;
}

/** Reports kept: some KB each at most, a hundred bytes most of them. */
const MAX_KEPT = 10_000;

export function startChecker({ blobs }: Pick<Store, "blobs">, options?: ParserOptions): Checker {
  const parser = startParserProcess(options);
  /** In the order of their last use. */
  const reports = new Map<string, Report>();
  const underWay = new Map<string, Promise<Report>>();
  let closed = false;

  const keep = (key: string, report: Report): Report => {
    reports.delete(key);
    reports.set(key, report);
    const [oldest] = reports.size > MAX_KEPT ? reports.keys() : [];
    if (oldest !== undefined) reports.delete(oldest);
    return report;
  };
  const look = async (hash: string, language: string): Promise<Report> => {
    try {
      const bytes = await blobs.read(hash);
      // A search of some microseconds, not worth the process.
      if (language === TEXT.name && !hasConflict(bytes)) return NO_PARSER;
      return await parser.look(bytes, language);
    } catch (error) {
      return unknown(`Its content could not be read: ${(error as Error).message}`, { passing: "unreached" });
    }
  };
  const reportOn = async (image: Image, { name }: Language): Promise<Report> => {
    const key = keyOf(image, name);
    if (key === undefined) return TOO_LARGE;
    const kept = reports.get(key);
    if (kept && !kept.passing) return keep(key, kept);
    const looking = underWay.get(key) ?? look(image.hash as string, name);
    underWay.set(key, looking);
    const report = await looking;
    underWay.delete(key);
    // Two children died of it: it is not tried again.
    const { passing, ...final } = report;
    return keep(key, passing === "died" && kept?.passing === "died" ? final : report);
  };
  const known = (image: Image, { name }: Language): Report | undefined => {
    const key = keyOf(image, name);
    return key === undefined ? TOO_LARGE : reports.get(key);
  };

  return {
    check: async (patch) => {
      const question = questionOf(patch);
      if (!question) return undefined;
      const { language, before, after } = question;
      const is = await reportOn(after, language);
      return judge(language, before && isRead(is) ? await reportOn(before, language) : undefined, is);
    },
    known: (patch) => {
      const question = questionOf(patch);
      if (!question) return undefined;
      const { language, before, after } = question;
      const is = known(after, language);
      if (!is || !before || !isRead(is)) return is && judge(language, undefined, is);
      const was = known(before, language);
      return was && judge(language, was, is);
    },
    get pid() {
      return parser.pid;
    },
    get closed() {
      return closed;
    },
    close: () => {
      closed = true;
      return parser.close();
    },
  };
}

const TOO_LARGE: Report = unknown(`It is larger than the ${MAX_CHECKED_BYTES} bytes that are looked at.`);

/** What was not read is compared with nothing. */
function isRead({ shape }: Report): boolean {
  return shape !== undefined;
}

/** Undefined where it is too large to be looked at. */
function keyOf({ size = 0, hash }: Image, language: string): string | undefined {
  return size > MAX_CHECKED_BYTES ? undefined : `${language} ${hash}`;
}

interface Question {
  readonly language: Language;
  /** Absent where nothing of this language was there. */
  readonly before?: Image;
  readonly after: Image;
}

function questionOf({ path, from, base, after }: Checked): Question | undefined {
  if (after.type !== "file") return undefined;
  const language = languageOf(path) ?? TEXT;
  const before = languageOf(from ?? path) ?? TEXT;
  const wasFile = base.type === "file" && before.name === language.name;
  if (wasFile && base.hash === after.hash) return undefined;
  return { language, after, ...(wasFile && { before: base }) };
}

/** A verdict as a patch carries it. */
export function syntaxToWire({ refused: _, ...syntax }: Verdict): Syntax {
  return syntax;
}
