/**
 * The store: one SQLite database and the blob files beside it; the only part that knows SQL.
 * Owns `<state>/iopipe.db` and its transactions. The watch table is a database of its own (watch-table.ts).
 * INVARIANT: workers and children never open it (the exclusive lock shuts them out too); they get bytes or blob paths.
 */
import { join } from "node:path";
import { type Blobs, openBlobs } from "./blobs.ts";
import { type Counters, openCounters } from "./counters.ts";
import { type Database, openDatabase } from "./database.ts";
import { type Events, openEvents } from "./events.ts";
import { type Operations, openOperations } from "./operations.ts";
import { openPatches, type Patches } from "./patches.ts";
import { openSessions, type Sessions } from "./sessions.ts";
import { openUploads, type Uploads } from "./uploads.ts";
import { openWorkspaces, type Workspaces } from "./workspaces.ts";

export interface Store {
  readonly blobs: Blobs;
  readonly counters: Counters;
  readonly events: Events;
  readonly operations: Operations;
  readonly patches: Patches;
  readonly sessions: Sessions;
  readonly uploads: Uploads;
  readonly workspaces: Workspaces;
  /** Runs `work` in a transaction, durable when it returns; nested calls join the outer one. Rolls back when it throws. */
  transaction<T>(work: () => T): T;
  close(): void;
}

/**
 * Opens the store of `stateDir` (an existing directory), holding its lock until `close`.
 *
 * @throws {StoreBusy} when another daemon holds it
 * @throws {StoreUnusable} when it is damaged, foreign or of a newer schema
 */
export function openStore(stateDir: string): Store {
  const db = openDatabase(join(stateDir, "iopipe.db"));
  const events = openEvents(db);
  const patches = openPatches(db);
  const transaction = transactions(db, events);
  const blobs = openBlobs(db, join(stateDir, "blobs"));
  return {
    blobs,
    counters: openCounters(db),
    events,
    operations: openOperations({ db, events, patches, transaction }),
    patches,
    sessions: openSessions(db),
    uploads: openUploads(blobs, join(stateDir, "uploads")),
    workspaces: openWorkspaces(db),
    transaction,
    close: () => db.close(),
  };
}

function transactions(db: Database, events: Events): Store["transaction"] {
  return (work) => {
    if (db.inTransaction) return db.transaction(work)();
    let committed = false;
    try {
      const result = db.transaction(work).immediate();
      committed = true;
      return result;
    } finally {
      events.settle(committed);
    }
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
export type { NewPatch, PatchRow } from "./patch-row.ts";
export type { Patches, PatchQuery } from "./patches.ts";
export type { PatchCounts, SessionQuery, SessionRow, Sessions } from "./sessions.ts";
export type { Uploads } from "./uploads.ts";
export type { WorkspaceRow, Workspaces } from "./workspaces.ts";
