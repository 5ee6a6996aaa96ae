/**
 * Next steps in the command line's own words, for kinds of error whose hint in the protocol speaks of params and
 * methods. What the daemon says about one error in particular is kept.
 */
import { ERRORS, type ErrorKind, type IopipeError } from "../../protocol/wire/errors.ts";

const HINTS: Partial<Readonly<Record<ErrorKind, string>>> = {
  WorkspaceNotFound: "Open it with `iopipectl open DIR`.",
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

/** The next step after `error`. */
export function hintOf({ kind, data: { hint } }: IopipeError): string {
  return (hint === ERRORS[kind].hint && HINTS[kind]) || hint;
}
