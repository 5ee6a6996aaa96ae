/**
 * The closed set of errors: one name, one number, and what a caller can do next.
 * Owns the table and the one error class that crosses the wire.
 * Mapping of operating-system and path errors to these kinds is the daemon's (daemon/store/faults.ts).
 */

interface ErrorRow {
  readonly code: number;
  /** Whether the same request may succeed later without the caller changing anything. */
  readonly retryable: boolean;
  /** The next step, for a person or an agent that reads nothing else. */
  readonly hint: string;
}

const row = (code: number, hint: string, retryable = false): ErrorRow => ({ code, retryable, hint });

/** Every error kind. Codes are never reused or changed; new kinds may be added. */
export const ERRORS = {
  ParseError: row(
    -32700,
    "Send one JSON-RPC 2.0 message per line, or with Content-Length headers, in UTF-8.",
  ),
  InvalidRequest: row(-32600, 'Send an object with "jsonrpc": "2.0", "method", and a string or number "id".'),
  MethodNotFound: row(-32601, "Call rpc.discover for the list of methods."),
  InvalidParams: row(-32602, "Call rpc.discover for this method's params."),
  InternalError: row(-32603, "This is a defect in iopiped; its log has the details under this request's id."),
  Cancelled: row(-32800, "The request was cancelled; nothing was changed.", true),

  WorkspaceNotFound: row(1001, "Open it with workspace/open, or `iopipectl open DIR`."),
  SessionNotFound: row(1002, "Call session/list, or open one with session/open."),
  PatchNotFound: row(1003, "Call patch/list or session/get for the ids in force."),
  OperationNotFound: row(1004, "Call operation/list, or `iopipectl log`."),
  SubscriptionNotFound: row(1005, "Subscriptions end with their connection; subscribe again."),
  BlobNotFound: row(1006, "Upload it again with blob/write and blob/commit."),

  PathEscape: row(
    1010,
    "Give a path relative to the workspace's root, without `..`, that no symlink leads out of it.",
  ),
  PathProtected: row(
    1011,
    "iopipe never writes .git, its own state, or its temporary names; choose another path.",
  ),
  NotAFile: row(1012, "Only regular files and symlinks can be staged."),
  HardLinked: row(
    1013,
    "Say `breakHardLinks: true` to replace this name only; the file's other names keep the old content.",
  ),
  FileNotFound: row(1014, "Look with file/list; stage a write to create it."),
  FileExists: row(1015, "Stage an edit or a write without createOnly, or choose another path."),

  MatchNotFound: row(1020, "Read the file again with file/read and copy the text to replace exactly."),
  MatchAmbiguous: row(1021, "Give more surrounding text so that it matches once, or say replaceAll."),
  PatchMalformed: row(1022, "Send a complete diff in git's format."),

  Stale: row(1030, "Read the file again and stage the change anew; or put the old content back."),
  Conflict: row(1031, "Look at the regions named, decide, and stage the result."),
  IllegalState: row(1032, "Get the object again and look at its state."),
  DigestMismatch: row(1033, "Show the diff again and apply with its digest."),
  ConfirmationRequired: row(
    1034,
    "Repeat with confirmFullReplace: true if the whole file is meant to be replaced.",
  ),
  ModifiedSince: row(1035, 'Leave those files out with onModified: "skip".'),
  SyntaxInvalid: row(1036, "Fix the place named, or repeat with allowInvalidSyntax: true."),
  NotApproved: row(1037, "A reviewer must approve first."),
  NotPermitted: row(
    1038,
    "This socket is for proposing; ask the person who reviews, or use the reviewer's socket.",
  ),

  DiskFull: row(1040, "Free space on that file system and try again.", true),
  AccessDenied: row(1041, "Check the owner and the mode of the path and its directory."),
  ReadOnly: row(1042, "The file system is mounted read-only."),
  NameTooLong: row(1043, "Use a shorter name (255 bytes) or path."),
  IoFailed: row(1044, "The operating system reported an error; check the disk and its log."),

  FrameTooLarge: row(1050, "Upload large content in chunks with blob/write and name the blob."),
  TooLarge: row(1051, "Ask for less at once: by paths, or in ranges."),
  Busy: row(1052, "Try again in a moment.", true),
  Timeout: row(1053, "Try again, with a longer timeoutMs.", true),

  WatchLimit: row(1060, "Raise the limit that is named and reopen the workspace."),
  RootGone: row(1061, "The directory is not there; put it back, or close the workspace."),
  SyncTimeout: row(1062, "The watcher is behind; try again with a longer timeoutMs.", true),
  WatchFailed: row(1063, "See workspace/list for the watch's state and warnings.", true),

  ShuttingDown: row(1080, "The daemon is stopping; connect again in a moment.", true),
} as const satisfies Record<string, ErrorRow>;

export type ErrorKind = keyof typeof ERRORS;

/** What every error carries as `data`; kinds add fields of their own (`files`, `regions`, `operation`, …). */
export interface ErrorData {
  readonly kind: ErrorKind;
  readonly retryable: boolean;
  readonly hint: string;
  /** Workspace-relative, where the error concerns one path. */
  readonly path?: string;
  /** 0-based, where it concerns one of several changes, decisions or batch members. */
  readonly index?: number;
  readonly [field: string]: unknown;
}

/** A JSON-RPC error object as it stands on the wire. */
export interface WireError {
  readonly code: number;
  readonly message: string;
  readonly data?: ErrorData;
}

/** An error with a kind of the table; the only class that the protocol's two ends exchange. */
export class IopipeError extends Error {
  override readonly name = "IopipeError";
  readonly kind: ErrorKind;
  readonly code: number;
  readonly data: ErrorData;

  /** `message` states the fact, the path and the number; `extra` may replace the table's hint. */
  constructor(kind: ErrorKind, message: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(message);
    const { code, retryable, hint } = ERRORS[kind];
    this.kind = kind;
    this.code = code;
    this.data = { kind, retryable, hint, ...extra };
  }

  /** This error with more data, e.g. the `index` of the change that failed. */
  with(extra: Readonly<Record<string, unknown>>): IopipeError {
    const more = new IopipeError(this.kind, this.message, { ...this.data, ...extra });
    if (this.stack !== undefined) more.stack = this.stack;
    return more;
  }

  toWire(): WireError {
    return { code: this.code, message: this.message, data: this.data };
  }

  /** Rebuilds an error from the wire; a kind this version does not know becomes InternalError. */
  static fromWire(error: WireError): IopipeError {
    const kind = error.data?.kind ?? kindOfCode(error.code);
    const known = kind !== undefined && kind in ERRORS ? kind : "InternalError";
    return new IopipeError(known, error.message, { ...error.data });
  }
}

function kindOfCode(code: number): ErrorKind | undefined {
  return (Object.keys(ERRORS) as ErrorKind[]).find((kind) => ERRORS[kind].code === code);
}

/** Whether `error` is an IopipeError of one of `kinds` (of any kind when none is given). */
export function isKind(error: unknown, ...kinds: ErrorKind[]): error is IopipeError {
  return error instanceof IopipeError && (kinds.length === 0 || kinds.includes(error.kind));
}
