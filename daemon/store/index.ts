/**
 * The store: one SQLite database and the blob files beside it; the only part that knows SQL.
 * Owns `<state>/iopipe.db`. The watch table is a database of its own (watch-table.ts).
 * INVARIANT: workers and children never open it (the exclusive lock shuts them out too); they get bytes or blob paths.
 */
import { join } from "node:path";
import { openBallast } from "./ballast.ts";
import { type Blobs, openBlobs } from "./blobs.ts";
import { type Counters, openCounters } from "./counters.ts";
import { type Database, openDatabase } from "./database.ts";
import { type Events, openEvents } from "./events.ts";
import { type Operations, openOperations } from "./operations.ts";
import { openPatches, type Patches } from "./patches.ts";
import { openPresence, type Presence } from "./presence.ts";
import { openSessions, type Sessions } from "./sessions.ts";
import { openTransactions, type Transactions } from "./transactions.ts";
import { openUploads, type Uploads } from "./uploads.ts";
import { openWorkspaces, type Workspaces } from "./workspaces.ts";

export interface Store extends Transactions {
  readonly blobs: Blobs;
  readonly counters: Counters;
  readonly events: Events;
  readonly operations: Operations;
  readonly patches: Patches;
  readonly presence: Presence;
  readonly sessions: Sessions;
  readonly uploads: Uploads;
  readonly workspaces: Workspaces;
  close(): void;
}

/**
 * Opens the store of `stateDir` (an existing directory), holding its lock until `close`.
 *
 * @param open for a test that keeps the connection
 * @throws {StoreBusy} when another daemon holds it
 * @throws {StoreUnusable} when it is damaged, foreign or of a newer schema
 */
export function openStore(stateDir: string, open: (file: string) => Database = openDatabase): Store {
  const ballast = openBallast(join(stateDir, "ballast"));
  const file = join(stateDir, "iopipe.db");
  const db = ballast.roomFor(() => open(file));
  // The log is there too: opening has written.
  const presence = openPresence([file, `${file}-wal`]);
  const events = openEvents(db);
  const patches = openPatches(db);
  const { transaction, essential } = openTransactions({ db, events, ballast, presence });
  const blobs = ballast.roomFor(() => openBlobs(db, join(stateDir, "blobs"), transaction));
  const uploads = ballast.roomFor(() => openUploads(blobs, join(stateDir, "uploads")));
  ballast.fill();
  return {
    blobs,
    counters: openCounters(db, essential),
    events,
    operations: openOperations({ db, events, patches, transaction, essential }),
    patches,
    presence,
    sessions: openSessions(db),
    uploads,
    workspaces: openWorkspaces(db, transaction),
    transaction,
    essential,
    close: () => db.close(),
  };
}

export { type BlobSource, type Blobs, sha256 } from "./blobs.ts";
export type { Counters } from "./counters.ts";
export { StoreBusy, StoreUnusable } from "./database.ts";
export type { EventQuery, EventRow, Events, NewEvent } from "./events.ts";
export { selects } from "./events.ts";
export { newId, now } from "./ids.ts";
export * from "./operation-row.ts";
export type { OperationQuery, Operations } from "./operations.ts";
export type { Page } from "./page.ts";
export { type NewPatch, type PatchRow, patchToWire } from "./patch-row.ts";
export type { Patches, PatchQuery } from "./patches.ts";
export type { PatchCounts, SessionQuery, SessionRow, Sessions } from "./sessions.ts";
export type { Uploads } from "./uploads.ts";
export type { WorkspaceRow, Workspaces } from "./workspaces.ts";
