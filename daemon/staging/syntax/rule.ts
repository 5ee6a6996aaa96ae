/**
 * The rule: what two reports, of a content before and after, come to. Pure.
 * A patch is refused only where its content does not parse although the base did, or where it is a new file in a
 * language whose parser never was wrong. Anything else is a warning, and what nobody could look at is `unknown`:
 * parsers stumble over macros, dialects and new syntax, and an apply is not to wait for them.
 */
import type { Diagnostic, Syntax } from "../../../protocol/methods/index.ts";
import type { Language } from "./language.ts";
import type { Finding, Report } from "./report.ts";

export interface Verdict extends Syntax {
  /** Whether an apply is refused. */
  readonly refused: boolean;
}

/** `before` is absent for a new file, and where the base was in another language. */
export function judge(language: Pick<Language, "sure">, before: Report | undefined, after: Report): Verdict {
  const sure = language.sure && !after.dialect;
  const wasClean = before ? before.parsed === "clean" && before.errors.length === 0 : sure;
  const refused = after.errors.length > 0 && wasClean;
  const warnings = [...after.warnings.filter(isNewTo(before)), ...shrinking(before, after)];
  return {
    refused,
    status: statusOf(sure, refused, after),
    ...(after.why !== undefined && { why: after.why }),
    diagnostics: [
      ...after.errors.map((each) => diagnostic(each, refused ? "error" : "warning")),
      ...warnings.map((each) => diagnostic(each, "warning")),
    ],
  };
}

/** A parser that stumbles and is known to do so, over a file that it stumbled over before, says nothing. */
function statusOf(sure: boolean, refused: boolean, after: Report): Syntax["status"] {
  if (after.errors.length > 0) return refused || sure ? "invalid" : "unknown";
  return after.parsed === "clean" ? "ok" : "unknown";
}

function isNewTo(before: Report | undefined): (finding: Finding) => boolean {
  const known = new Set(before?.warnings.map(({ check }) => check));
  return ({ check }) => !known.has(check);
}

/** A file that loses so much of itself, and its end, may have been cut off rather than shortened. */
const SHRUNK_TO = 0.6;
/** Shorter ones are rewritten as often as not. */
const SHRUNK_FROM_LINES = 20;

function shrinking(before: Report | undefined, after: Report): Finding[] {
  const [was, is] = [before?.shape, after.shape];
  if (!was || !is || is.lastLine === was.lastLine) return [];
  const at = { line: Math.max(1, is.lines), column: 1 };
  const lostItsEnd = was.endsWithNewline && !is.endsWithNewline;
  if (lostItsEnd && is.lines > 0 && (is.lines < was.lines || was.lastLine.startsWith(is.lastLine)))
    return [
      {
        ...at,
        check: "cut-off",
        message: `The file ends in the middle of a line, after ${is.lines} of ${was.lines}.`,
      },
    ];
  if (was.lines < SHRUNK_FROM_LINES || is.lines >= was.lines * SHRUNK_TO) return [];
  return [
    {
      ...at,
      check: "shrinking",
      message: `${is.lines} of ${was.lines} lines are left, and the end is another.`,
    },
  ];
}

function diagnostic({ line, column, message, check }: Finding, severity: Diagnostic["severity"]): Diagnostic {
  return { line, column, severity, check, message };
}
