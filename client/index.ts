/**
 * `iopipe`: the client library. connect() finds or starts this user's daemon; a Connection makes typed calls, opens
 * sessions and follows changes and events. No schemas here: the daemon checks what it gets.
 */
export type {
  Change,
  FileChange,
  FileStatus,
  Hunk,
  Image,
  MethodName,
  Operation,
  Params,
  Patch,
  Priority,
  Result,
  Session,
  Workspace,
} from "../protocol/methods/index.ts";
export { type ErrorData, type ErrorKind, IopipeError, isKind } from "../protocol/wire/errors.ts";
export type { Role } from "../protocol/wire/locations.ts";
export type { ChangesOptions, FileChanges } from "./changes.ts";
export { type ConnectOptions, connect } from "./connect.ts";
export type { Connection } from "./connection.ts";
export type { ChangeInput, FileContent, WriteInput } from "./content.ts";
export type { EventsOptions, IopipeEvent } from "./events.ts";
export { isLost, isNoDaemon } from "./faults.ts";
export type { CallOptions, Progress } from "./link.ts";
export { type SafeWriteOptions, type SafeWritten, safeWrite } from "./safe-write.ts";
export type { SessionHandle } from "./session.ts";
export type { Subscription } from "./subscription.ts";
