/**
 * The store: one SQLite database and the blob files beside it; the only part that knows SQL.
 * Owns `<state>/iopipe.db`. The watch table is a database of its own (watch-table.ts).
 * INVARIANT: workers and children never open it (the exclusive lock shuts them out too); they get bytes or blob paths.
 */
import { join } from "node:path";
import { openBallast } from "./ballast.ts";
import { type Blobs, openBlobs } from "./blobs.ts";
import { type Collection, openCollection } from "./collect/index.ts";
import { type Counters, openCounters } from "./counters.ts";
import { type Database, openDatabase } from "./database.ts";
import { type Events, openEvents } from "./events.ts";
import type { Examined } from "./examine.ts";
import { type Holds, openHolds } from "./holds.ts";
import { type Layers, openLayers } from "./layers.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { type Operations, openOperations } from "./operations.ts";
import { openPatches, type Patches } from "./patches.ts";
import { openPresence, type Presence } from "./presence.ts";
import { openSessions, type Sessions } from "./sessions.ts";
import { openTransactions, type Transactions } from "./transactions.ts";
import { openUploads, type Uploads } from "./uploads.ts";
import { openVerdicts, type Verdicts } from "./verdicts.ts";
import { openWorkspaces, type Workspaces } from "./workspaces.ts";

export interface Store extends Transactions {
  readonly blobs: Blobs;
  readonly collection: Collection;
  readonly counters: Counters;
  readonly events: Events;
  readonly holds: Holds;
  readonly layers: Layers;
  readonly limits: Limits;
  readonly operations: Operations;
  readonly patches: Patches;
  readonly presence: Presence;
  readonly sessions: Sessions;
  readonly uploads: Uploads;
  readonly verdicts: Verdicts;
  readonly workspaces: Workspaces;
  /** For examining it while it serves. */
  readonly examined: Pick<Examined, "db" | "stateDir" | "isHeld">;
  close(): void;
}

/**
 * Opens the store of `stateDir` (an existing directory), holding its lock until `close`.
 *
 * @param open for a test that keeps the connection
 * @param limits what is kept for how long
 * @throws {StoreBusy} when another daemon holds it
 * @throws {StoreUnusable} when it is damaged, foreign or of a newer schema
 */
export function openStore(
  stateDir: string,
  open: (file: string) => Database = openDatabase,
  limits: Limits = DEFAULT_LIMITS,
): Store {
  const ballast = openBallast(join(stateDir, "ballast"));
  const file = join(stateDir, "iopipe.db");
  const db = ballast.roomFor(() => open(file));
  // The log is there too: opening has written.
  const presence = openPresence([file, `${file}-wal`]);
  const events = openEvents(db);
  const patches = openPatches(db);
  const transactions = openTransactions({ db, events, ballast, presence });
  const { transaction, essential } = transactions;
  const holds = openHolds(limits);
  const directory = join(stateDir, "blobs");
  const blobs = ballast.roomFor(() => openBlobs({ db, directory, holds, ...transactions }));
  const uploads = ballast.roomFor(() => openUploads(blobs, join(stateDir, "uploads")));
  ballast.fill();
  const sessions = openSessions(db, limits, transaction);
  return {
    blobs,
    collection: openCollection({ db, directory, blobs, events, holds, limits, uploads, essential }),
    counters: openCounters(db, essential),
    events,
    holds,
    layers: openLayers(db, { transaction, essential }),
    limits,
    operations: openOperations({ db, events, patches, limits, transaction, essential }),
    patches,
    presence,
    sessions,
    uploads,
    verdicts: openVerdicts(db, transaction),
    workspaces: openWorkspaces(db, transaction),
    transaction,
    essential,
    examined: { db, stateDir, isHeld: holds.isHeld },
    close: () => db.close(),
  };
}

export { sha256 } from "./blob-bytes.ts";
export type { BlobSource, Blobs } from "./blobs.ts";
export type { Collected } from "./collect/index.ts";
export type { Counters } from "./counters.ts";
export { openForExamination, StoreBusy, StoreUnusable } from "./database.ts";
export type { EventQuery, EventRow, Events, NewEvent } from "./events.ts";
export { selects } from "./events.ts";
export { type Examined, examineStore } from "./examine.ts";
export { newId, now } from "./ids.ts";
export { type Journal, openJournals, rootsOf } from "./journals.ts";
export { type LayerRow, type Layers, layersOf } from "./layers.ts";
export { type Limits, limitsFrom, parseTime } from "./limits.ts";
export * from "./operation-row.ts";
export type { OperationQuery, Operations } from "./operations.ts";
export type { Page } from "./page.ts";
export { type NewPatch, type PatchRow, patchToWire } from "./patch-row.ts";
export type { Patches, PatchQuery } from "./patches.ts";
export type { PatchCounts, SessionQuery, SessionRow, Sessions } from "./sessions.ts";
export type { Uploads } from "./uploads.ts";
export type { VerdictRow, Verdicts } from "./verdicts.ts";
export type { WorkspaceRow, Workspaces } from "./workspaces.ts";
