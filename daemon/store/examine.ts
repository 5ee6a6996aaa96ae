/**
 * Examining the store: its database, its settings, its files, and every blob's bytes.
 * Owns what is looked at there, and the thresholds. Invariant: looks only.
 * Time: the loop turns after each page of rows and each MiB. SQLite's own check is a call for each table, and so is left
 * out of a large database while clients are served (`whole`).
 */
import { createHash } from "node:crypto";
import { createReadStream, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import type { Finding } from "../../protocol/methods/index.ts";
import { isTemporaryName } from "../disk/index.ts";
import { BALLAST_BYTES } from "./ballast.ts";
import { CHECKED_AT_START_BYTES, type Database, SYNCHRONOUS_FULL } from "./database.ts";
import { MIGRATIONS } from "./migrations.ts";

export interface Examined {
  readonly db: Database;
  readonly stateDir: string;
  /** Check the whole database, however long that takes. */
  readonly whole: boolean;
  /** Whether a blob's file is being put: it has no row yet. */
  readonly isHeld: (hash: string) => boolean;
  progress(phase: string, done: number, total: number): void;
}

const MiB = 1024 * 1024;

/** SQLite begins the log anew at 4 MiB, unless something keeps it from that; a large transaction may pass it. */
const LARGE_LOG_BYTES = 256 * MiB;

/** Told by name; of more only how many they are. */
const MAX_TOLD = 10;

export async function* examineStore(examined: Examined): AsyncGenerator<Finding> {
  yield await integrity(examined);
  yield settings(examined);
  yield log(examined);
  yield ballast(examined);
  yield* examineBlobs(examined);
  yield strays(examined);
}

async function integrity(examined: Examined): Promise<Finding> {
  const { db, stateDir, whole } = examined;
  const path = join(stateDir, "iopipe.db");
  const bytes = statSync(path).size;
  const name = "database";
  const schema = db.pragma("user_version", { simple: true }) as number;
  const fact = `${path}, ${mebibytes(bytes)}, schema ${schema}`;
  if (schema > MIGRATIONS.length)
    return { name, state: "problem", fact, path, advice: "Use the newer iopipe that wrote it." };
  if (!whole && bytes > CHECKED_AT_START_BYTES) {
    const advice =
      "Pages are checked only while no daemon serves: `iopipectl daemon stop && iopipectl doctor`.";
    return { name, state: "ok", fact, path, advice };
  }
  const broken = await brokenIn(examined);
  if (broken.length === 0) return { name, state: "ok", fact: `${fact}, sound`, path };
  const advice = `Stop the daemon, copy ${stateDir}, move ${path} away and start again; the working trees are unharmed.`;
  return { name, state: "problem", fact: `${fact}: ${broken.join("; ")}`, path, advice };
}

/** What SQLite finds wrong: in all of it at once, else table by table, between which the loop turns. */
async function brokenIn({ db, whole }: Examined): Promise<string[]> {
  const tables = db.prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all();
  const broken: string[] = [];
  for (const what of whole ? ["3"] : tables.map((name) => `'${name}'`)) {
    const found = db.pragma(`integrity_check(${what})`) as { integrity_check: string }[];
    broken.push(...found.map((row) => row.integrity_check).filter((line) => line !== "ok"));
    await turnOfTheLoop();
  }
  return broken.slice(0, MAX_TOLD);
}

/** Without the exclusive lock of a daemon the settings are its next start's. */
function settings({ db, whole }: Examined): Finding {
  const sqlite = db.prepare("SELECT sqlite_version()").pluck().get();
  const journal = db.pragma("journal_mode", { simple: true });
  const level = db.pragma("synchronous", { simple: true });
  const name = "durability";
  if (whole)
    return { name, state: journal === "wal" ? "ok" : "warning", fact: `SQLite ${sqlite}, ${journal}` };
  const fact = `SQLite ${sqlite}, ${journal}, synchronous=${level === SYNCHRONOUS_FULL ? "FULL" : level}`;
  if (journal === "wal" && level === SYNCHRONOUS_FULL) return { name, state: "ok", fact };
  return { name, state: "problem", fact, advice: "Restart the daemon: `iopipectl daemon stop`." };
}

function log({ stateDir }: Examined): Finding {
  const path = join(stateDir, "iopipe.db-wal");
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const name = "write-ahead log";
  if (bytes <= LARGE_LOG_BYTES) return { name, state: "ok", fact: mebibytes(bytes), path };
  const advice = "A clean stop empties it: `iopipectl daemon stop`.";
  return { name, state: "warning", fact: `${path} has ${mebibytes(bytes)}`, path, advice };
}

function ballast({ stateDir }: Examined): Finding {
  const path = join(stateDir, "ballast");
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const name = "ballast";
  if (bytes >= BALLAST_BYTES) return { name, state: "ok", fact: mebibytes(bytes), path };
  const fact = `${path} has ${bytes} of ${BALLAST_BYTES} bytes: the disk was full`;
  return { name, state: "warning", fact, path, advice: "Make room there; the next change fills it again." };
}

interface Row {
  hash: string;
  size: number;
  data: Buffer | null;
}

async function* examineBlobs({ db, stateDir, progress }: Examined): AsyncGenerator<Finding> {
  const next = db.prepare<[string], Row>(
    "SELECT hash, size, data FROM blob WHERE hash > ? ORDER BY hash LIMIT 1",
  );
  const isThere = db.prepare<[string]>("SELECT 1 FROM blob WHERE hash = ?");
  const bad: Finding[] = [];
  let [count, bytes] = [0, 0];
  for (let row = next.get(""); row; row = next.get(row.hash)) {
    const path = row.data
      ? join(stateDir, "iopipe.db")
      : join(stateDir, "blobs", row.hash.slice(0, 2), row.hash);
    const wrong = await wrongIn(row, path);
    // It may have been collected meanwhile.
    if (wrong && isThere.get(row.hash)) bad.push(badBlob(row, path, wrong));
    count += 1;
    bytes += row.size;
    // In order of their hashes: how far it is, without counting them.
    progress("blobs", Number.parseInt(row.hash.slice(0, 4), 16), 0x10000);
    await turnOfTheLoop();
  }
  yield* bad.slice(0, MAX_TOLD);
  if (bad.length > MAX_TOLD)
    yield { name: "blobs", state: "problem", fact: `${bad.length - MAX_TOLD} more are missing or damaged` };
  const fact = `${count}, ${mebibytes(bytes)}; of ${count - bad.length} the bytes are as their names say`;
  if (bad.length === 0) yield { name: "blobs", state: "ok", fact };
}

async function wrongIn({ hash, size, data }: Row, path: string): Promise<string | undefined> {
  try {
    const found = data ? createHash("sha256").update(data).digest("hex") : await hashOfFile(path);
    return found === hash ? undefined : `has other bytes than its name says (sha256 ${found})`;
  } catch (error) {
    return `cannot be read: ${(error as NodeJS.ErrnoException).code} (${size} bytes)`;
  }
}

async function hashOfFile(path: string): Promise<string> {
  const sum = createHash("sha256");
  for await (const piece of createReadStream(path, { highWaterMark: MiB })) sum.update(piece as Buffer);
  return sum.digest("hex");
}

function badBlob({ hash }: Row, path: string, wrong: string): Finding {
  const advice = `What needs it can neither be applied nor undone. Put ${path} back from a backup, or discard what names it.`;
  return { name: "blobs", state: "problem", fact: `${hash} ${wrong}: ${path}`, path, advice };
}

const FOLDER = /^[0-9a-f]{2}$/;
const HASH = /^[0-9a-f]{64}$/;

/** Files among the blobs' that no row names. */
function strays({ db, stateDir, isHeld }: Examined): Finding {
  const path = join(stateDir, "blobs");
  const isThere = db.prepare<[string]>("SELECT 1 FROM blob WHERE hash = ?");
  const folders = statSync(path, { throwIfNoEntry: false })
    ? readdirSync(path).filter((one) => FOLDER.test(one))
    : [];
  const files = folders.flatMap((folder) =>
    readdirSync(join(path, folder)).map((file) => ({ folder, file })),
  );
  const orphans = files.filter(({ file }) => HASH.test(file) && !isThere.get(file) && !isHeld(file));
  const temporary = files.filter(({ file }) => isTemporaryName(file));
  const foreign = files.filter(({ file }) => !HASH.test(file) && !isTemporaryName(file));
  const kinds = { "without a row": orphans, temporary, "not ours": foreign };
  const told = Object.entries(kinds).flatMap(([kind, { length }]) =>
    length > 0 ? [`${length} ${kind}`] : [],
  );
  const name = "blob files";
  if (told.length === 0) return { name, state: "ok", fact: `${files.length}`, path };
  const [other] = foreign;
  const advice = other
    ? `Look at ${join(path, other.folder, other.file)}, and move it away.`
    : "`iopipectl gc` removes what a crash has left.";
  return { name, state: "warning", fact: `${path}: ${told.join(", ")}`, path, advice };
}

function mebibytes(bytes: number): string {
  return `${Math.round((bytes / MiB) * 10) / 10} MiB`;
}
