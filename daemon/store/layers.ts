/**
 * Layers as rows: which sessions a command is writing into, and what of its layer has been staged already.
 * A row lives until what is in the layer's directory is staged or discarded, so that a daemon that starts again knows it.
 */
import type { LayerBackend } from "../../protocol/methods/values.ts";
import type { Database } from "./database.ts";
import { now } from "./ids.ts";
import type { Transactions } from "./transactions.ts";

export interface LayerRow {
  /** The session that it is staged in; there is one layer a session. */
  readonly session: string;
  readonly backend: LayerBackend;
  /** Who runs the command, and when that process began, which tells it from another of its number. */
  readonly pid: number;
  readonly process: string;
  /** When the layer began, by the clock of the file system, in nanoseconds. */
  readonly beganNs: bigint;
  /** The workspace's clock then; what was not seen yet is after it, though it may have happened before. */
  readonly clock: string;
  /** Another one, after everything that happened before the layer began; undefined where the watch could not tell. */
  readonly settledClock?: string;
  /** Of what may be changed. */
  readonly maxBytes: number;
  readonly createdAt: string;
  /** Why it stands though its command has ended: what it holds could not be staged. */
  readonly problem?: string;
  /** Whether nobody is to try again before somebody says what becomes of it. */
  readonly isLeft: boolean;
}

/** By path: what was there when it was staged (layer/standing.ts, stampOf). After a crash one may be missing. */
type StagedStamps = ReadonlyMap<string, string>;

export interface Layers {
  insert(row: Omit<LayerRow, "createdAt" | "settledClock" | "problem" | "isLeft">): LayerRow;
  get(session: string): LayerRow | undefined;
  list(): LayerRow[];
  /** Whether there is one. */
  any(): boolean;
  setSettledClock(session: string, clock: string): void;
  setProblem(session: string, problem: string, isLeft: boolean): void;
  staged(session: string): StagedStamps;
  setStaged(session: string, stamps: StagedStamps): void;
  remove(session: string): void;
}

interface Raw {
  session: string;
  backend: LayerBackend;
  pid: number;
  process: string;
  began_ns: string;
  clock: string;
  settled_clock: string | null;
  max_bytes: number;
  created_at: string;
  problem: string | null;
  is_left: number;
}

const toRow = (raw: Raw): LayerRow => ({
  session: raw.session,
  backend: raw.backend,
  pid: raw.pid,
  process: raw.process,
  beganNs: BigInt(raw.began_ns),
  clock: raw.clock,
  ...(raw.settled_clock !== null && { settledClock: raw.settled_clock }),
  maxBytes: raw.max_bytes,
  createdAt: raw.created_at,
  ...(raw.problem !== null && { problem: raw.problem }),
  isLeft: raw.is_left === 1,
});

const COLUMNS =
  "session, backend, pid, process, began_ns, clock, settled_clock, max_bytes, created_at, problem, is_left";

export function openLayers(
  db: Database,
  { transaction, essential }: Pick<Transactions, "transaction" | "essential">,
): Layers {
  const bySession = db.prepare<[string], Raw>(`SELECT ${COLUMNS} FROM layer WHERE session = ?`);
  const all = db.prepare<[], Raw>(`SELECT ${COLUMNS} FROM layer ORDER BY created_at, session`);
  const some = db.prepare("SELECT 1 FROM layer LIMIT 1");
  const insert = db.prepare(
    `INSERT INTO layer (session, backend, pid, process, began_ns, clock, max_bytes, created_at)
     VALUES (@session, @backend, @pid, @process, @beganNs, @clock, @maxBytes, @at)`,
  );
  const settledClock = db.prepare("UPDATE layer SET settled_clock = ? WHERE session = ?");
  const problem = db.prepare("UPDATE layer SET problem = ?, is_left = ? WHERE session = ?");
  const staged = db.prepare<[string], string>("SELECT staged FROM layer WHERE session = ?").pluck();
  const setStaged = db.prepare("UPDATE layer SET staged = ? WHERE session = ?");
  const remove = db.prepare("DELETE FROM layer WHERE session = ?");
  const get = (session: string): LayerRow | undefined => {
    const raw = bySession.get(session);
    return raw && toRow(raw);
  };
  return {
    insert: (row) => {
      transaction(() => insert.run({ ...row, beganNs: String(row.beganNs), at: now() }));
      return get(row.session) as LayerRow;
    },
    get,
    any: () => some.get() !== undefined,
    list: () => all.all().map(toRow),
    setSettledClock: (session, to) => void transaction(() => settledClock.run(to, session)),
    setProblem: (session, why, isLeft) => void essential(() => problem.run(why, isLeft ? 1 : 0, session)),
    staged: (session) => new Map(JSON.parse(staged.get(session) ?? "[]") as [string, string][]),
    setStaged: (session, stamps) =>
      void transaction(() => setStaged.run(JSON.stringify([...stamps]), session)),
    // With it goes what may have filled the disk.
    remove: (session) => void essential(() => remove.run(session)),
  };
}

/** Of a database that is only looked at; it may be of an older schema, before they were as they are. */
export function layersOf(db: Database): LayerRow[] {
  const known = db.prepare("SELECT 1 FROM pragma_table_info('layer') WHERE name = 'is_left'").get();
  return known ? db.prepare<[], Raw>(`SELECT ${COLUMNS} FROM layer`).all().map(toRow) : [];
}
