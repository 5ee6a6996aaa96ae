/**
 * The next step of an error, in the words of whoever reads it: the daemon's hints name methods, and neither a person nor
 * a model has those. Owns replacing them; which names a reader has is its way's (hook/words.ts, mcp/words.ts,
 * cli/hints.ts). What else the daemon says about one error in particular is kept.
 */
import type { MethodName } from "../protocol/methods/index.ts";
import { ERRORS, type ErrorKind } from "../protocol/wire/errors.ts";

/** What one reader has in the place of the protocol's methods and params. */
export interface Words {
  /** For kinds of error whose hint in the protocol speaks of more than methods. */
  readonly kinds: Partial<Readonly<Record<ErrorKind, string>>>;
  readonly methods: Partial<Readonly<Record<MethodName, string>>>;
}

/** What only the person who reviews can do, for every model. */
export const PERSONS: Words["methods"] = {
  "rpc.discover": "the person's `iopipectl rpc rpc.discover`",
  "workspace/open": "the person's `iopipectl open DIR`",
  "workspace/list": "the person's `iopipectl daemon status`",
  "session/list": "the person's `iopipectl ls`",
  "session/get": "the person's `iopipectl show`",
  "session/diff": "the person's `iopipectl diff`",
  "session/restore": "the person's `iopipectl discard --undo`",
  "session/rebase": "the person's `iopipectl rebase`",
  "session/decide": "the person's `iopipectl review`",
  "patch/list": "the person's `iopipectl show`",
  "operation/list": "the person's `iopipectl log`",
  "operation/undo": "the person's `iopipectl undo`",
};

/** A method of any version, where it is no part of a path and not behind `rpc`; and its verb, where a hint has that too. */
const METHOD =
  /(?<![\w./-]|\brpc )(rpc\.discover|(?:daemon|workspace|session|patch|file|blob|operation|layer|watch|events)\/[a-z]\w*)(?![\w/-]|\.\w)(?:, or (`iopipectl [^`]+`))?/g;

/** `hint` with what `word` has for each method that it names; `verb` is the command that it offers beside that. */
export function replaceMethods(
  hint: string,
  word: (method: MethodName, verb: string | undefined) => string | undefined,
): string {
  return hint.replace(
    METHOD,
    (whole, method: MethodName, verb: string | undefined) => word(method, verb) ?? whole,
  );
}

/** `hint`, as it came with an error of `kind`, in these words. */
export function nextStep(kind: ErrorKind, hint: string, { kinds, methods }: Words): string {
  const said = (hint === ERRORS[kind].hint && kinds[kind]) || hint;
  return replaceMethods(said, (method) => methods[method]);
}
