/**
 * How iopipectl fails: the exit code, one line with the fact, one line with the next step.
 * Owns the table of exit codes, which scripts rely on (README.md). Source: sysexits(3) for those above 64.
 */
import { type ErrorKind, IopipeError } from "../../protocol/wire/errors.ts";
import { isNoDaemon } from "../faults.ts";
import { hintOf } from "./hints.ts";
import { colour, note, printJson } from "./output.ts";
import { visible, visibleLines } from "./visible.ts";

/** A mistake in how iopipectl was called, or a choice it leaves to the caller; exit 2. */
export class UsageError extends Error {
  readonly hint: string;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(message: string, hint: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.hint = hint;
    this.extra = extra;
  }
}

export const EXIT = {
  ...{ failed: 1, usage: 2, needsAttention: 7, noDaemon: 69, tryAgain: 75, interrupted: 130 },
  /** `run`, for what is no end of its command: as env(1), nohup(1) and container engines have it. */
  runFailed: 125,
};

const CODES: readonly (readonly [code: number, kinds: readonly ErrorKind[]])[] = [
  [EXIT.usage, ["InvalidParams", "InvalidRequest", "MethodNotFound", "ParseError"]],
  [3, ["Stale", "Conflict", "DigestMismatch", "ModifiedSince"]],
  [4, ["NotApproved", "ConfirmationRequired"]],
  [5, ["SyntaxInvalid", "MatchNotFound", "MatchAmbiguous", "PatchMalformed"]],
  [EXIT.tryAgain, ["Busy", "Timeout", "SyncTimeout", "ShuttingDown"]],
  [77, ["NotPermitted", "AccessDenied"]],
  [EXIT.interrupted, ["Cancelled"]],
];

/** The exit code that stands for an error kind. */
export function exitCodeOfKind(kind: string): number {
  return CODES.find(([, kinds]) => (kinds as readonly string[]).includes(kind))?.[0] ?? EXIT.failed;
}

/** The exit code that stands for a thrown value. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (isNoDaemon(error)) return EXIT.noDaemon;
  return error instanceof IopipeError ? exitCodeOfKind(error.kind) : EXIT.failed;
}

/** Prints a failure: with `json` as `{"error": …}` on stdout, else in two lines on stderr. */
export function report(error: unknown, json: boolean): void {
  if (json) {
    printJson({ error: asIopipeError(error).toWire() });
    return;
  }
  const { message, hint } = parts(error);
  note(`${colour("red", "iopipectl:", process.stderr)} ${visibleLines(message)}`);
  if (hint !== undefined) note(visible(hint));
}

function parts(error: unknown): { message: string; hint?: string } {
  if (error instanceof UsageError) return error;
  if (error instanceof IopipeError) return { message: error.message, hint: hintOf(error) };
  return { message: error instanceof Error ? error.message : String(error) };
}

function asIopipeError(error: unknown): IopipeError {
  if (error instanceof IopipeError) return error;
  const { message, hint } = parts(error);
  const kind = error instanceof UsageError ? "InvalidParams" : "IoFailed";
  return new IopipeError(kind, message, {
    ...(hint !== undefined && { hint }),
    ...(error instanceof UsageError && error.extra),
  });
}
