/**
 * Next steps in the command line's own words: for kinds of error whose hint in the protocol speaks of params, and for
 * methods, wherever a hint names one. What else the daemon says about one error in particular is kept.
 */
import type { MethodName } from "../../protocol/methods/index.ts";
import { ERRORS, type ErrorKind, type IopipeError } from "../../protocol/wire/errors.ts";
import { replaceMethods } from "../next-step.ts";

const HINTS: Partial<Readonly<Record<ErrorKind, string>>> = {
  SessionNotFound: "`iopipectl ls` lists the pending sessions here, `ls --all` all of them.",
  PatchNotFound: "`iopipectl show` lists the session's patches.",
  OperationNotFound: "`iopipectl log` lists the operations here.",
  HardLinked:
    "Stage it with --break-hard-links: this name then has bytes of its own, the others keep theirs.",
  FileNotFound: "`iopipectl ls PATH` lists a directory; `iopipectl stage PATH` makes a file.",
  FileExists: "Choose another path.",
  MatchNotFound: "Look at `iopipectl cat PATH`, which is what it must fit, and make the patch anew.",
  MatchAmbiguous: "Give it more of the lines around, so that it fits in one place only.",
  IllegalState: "Look at `iopipectl show`, or at `iopipectl log` for what was applied.",
  InvalidParams: "See `iopipectl VERB --help` for what it takes.",
  TooLarge: "Ask for less at once; of a diff `iopipectl diff --stat` tells without its lines.",
  Stale:
    "Merge it with `iopipectl rebase`, stage it anew, or `iopipectl discard PATH`; `apply --skip-stale` leaves it out.",
  DigestMismatch: "Look at `iopipectl diff` again.",
  ConfirmationRequired: "If the whole file is meant to be replaced, say --confirm-full-replace.",
  ModifiedSince: "Leave those files out with --skip-modified.",
  SyntaxInvalid: "Fix the place named, or say --allow-invalid-syntax.",
};

/** What a person types for a method, behind `iopipectl`; any other is called with `rpc`. */
const TYPED: Partial<Readonly<Record<MethodName, string>>> = {
  "daemon/status": "daemon status",
  "daemon/stop": "daemon stop",
  "daemon/gc": "gc",
  "daemon/examine": "doctor",
  "workspace/open": "open DIR",
  "workspace/list": "daemon status",
  "workspace/disable": "disable",
  "workspace/enable": "enable",
  "workspace/policy": "trust --show",
  "workspace/trust": "trust",
  "session/list": "ls",
  "session/get": "show",
  "session/wait": "wait",
  "session/diff": "diff",
  "session/check": "check",
  "session/apply": "apply",
  "session/discard": "discard",
  "session/restore": "discard --undo",
  "session/rebase": "rebase",
  "session/decide": "review",
  "session/verify": "verify",
  "session/verdicts": "show",
  "patch/stage": "stage PATH",
  "patch/get": "show",
  "patch/list": "show",
  "patch/apply": "apply PATH",
  "patch/discard": "discard PATH",
  "file/read": "cat PATH",
  "file/list": "ls PATH",
  "operation/list": "log",
  "operation/get": "show",
  "operation/diff": "show",
  "operation/undo": "undo",
  "layer/open": "run",
  "layer/close": "run --resume ID",
  "watch/subscribe": "watch",
  "watch/since": "watch",
  "watch/audit": "watch --audit",
};

/** The next step after `error`. */
export function hintOf({ kind, data: { hint } }: IopipeError): string {
  const said = (hint === ERRORS[kind].hint && HINTS[kind]) || hint;
  return replaceMethods(said, (method, verb) => verb ?? `\`iopipectl ${TYPED[method] ?? `rpc ${method}`}\``);
}
