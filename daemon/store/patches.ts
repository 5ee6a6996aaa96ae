/**
 * Patches in the database. Their shape is patch-row.ts, the statements are patch-sql.ts.
 * INVARIANT: a row's path, kind, images and id never change; only its standing does, and only through `move`.
 */
import type { Decision, PatchState } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { Database } from "./database.ts";
import { now } from "./ids.ts";
import { assertLegal, type PatchStanding } from "./moves.ts";
import { NO_END, type Page } from "./page.ts";
import { effectOf, type NewPatch, type PatchRow, readPatch as toRow } from "./patch-row.ts";
import { preparePatches } from "./patch-sql.ts";

export interface PatchQuery {
  readonly workspace: string;
  readonly path?: string | undefined;
  readonly state?: PatchState | undefined;
  /** Only patches of these sessions (a proposer's view). */
  readonly sessions?: ReadonlySet<string> | undefined;
}

export interface Patches {
  /** Inserts a Pending patch. */
  insert(patch: NewPatch): PatchRow;
  get(id: string): PatchRow | undefined;
  /** @throws {IopipeError} PatchNotFound */
  require(id: string): PatchRow;
  /** A session's patches in order of staging. */
  ofSession(session: string, state?: PatchState): PatchRow[];
  /** Those of a session that are pending or stale. */
  unsettledOf(session: string): PatchRow[];
  /** So many of those at most, in no order. */
  someUnsettledOf(session: string, limit: number): PatchRow[];
  /** What each of a session's pending patches would do, as a hash (patch-row.ts), in order of their paths: a JSON array. */
  effects(session: string): string;
  /** Where a session's pending patches leave something below a directory ("" is the root). */
  below(session: string, directory: string): string[];
  /** How many such paths there are. */
  countBelow(session: string, directory: string): number;
  /** Whether a session's pending patch takes something away below a directory. */
  removesBelow(session: string, directory: string): boolean;
  /** A session's pending patches that are on `path`, or rename from it. */
  holding(session: string, path: string): PatchRow[];
  /** Those that are pending or stale and on one of `paths`, or rename from one. */
  unsettledAt(workspace: string, paths: readonly string[]): PatchRow[];
  /** Other sessions' pending patches that are on one of `paths`, or rename from one: some, where they are very many. */
  rivalling(workspace: string, session: string, paths: readonly string[]): PatchRow[];
  /** Other sessions' pending patches that make something below one of `paths`: some, where they are very many. */
  rivallingBelow(workspace: string, session: string, paths: readonly string[]): PatchRow[];
  /** The paths of a workspace's pending and stale patches: what staleness and HIGH priority are about. */
  unsettledPaths(workspace: string): string[];
  /** Whether an image of a patch of one of the sessions has these bytes. */
  holdBlob(sessions: ReadonlySet<string>, hash: string): boolean;
  /** Newest first. */
  list(query: PatchQuery, page: Page): PatchRow[];
  /**
   * Moves a patch; `operation` is kept unless given.
   *
   * @throws {IopipeError} IllegalState where the table of moves has no such move
   */
  move(id: string, to: PatchStanding & { readonly operation?: string }): PatchRow;
  /** What was found out about a patch by now, instead of what was. */
  learn(id: string, findings: PatchRow["findings"]): void;
  decide(id: string, decision: Decision, note: string | undefined): void;
  /** Removes a row for good (purge, retention). */
  remove(id: string): void;
}

/**
 * Beside one for each path asked about: where hundreds of sessions are on the same files, nobody reads of each of them;
 * reading them all takes its time.
 */
const MAX_RIVALS = 1000;

export function openPatches(db: Database): Patches {
  const sql = preparePatches(db);

  const get = (id: string): PatchRow | undefined => {
    const raw = sql.byId.get(id);
    return raw && toRow(raw);
  };
  const mustGet = (id: string): PatchRow => {
    const row = get(id);
    if (!row) throw new IopipeError("PatchNotFound", `There is no patch ${id}.`, { patch: id });
    return row;
  };
  return {
    get,
    require: mustGet,
    insert: (patch) => {
      sql.insert.run({
        ...patch,
        from: patch.from ?? null,
        base: JSON.stringify(patch.base),
        after: JSON.stringify(patch.after),
        binary: Number(patch.binary),
        fullReplace: Number(patch.fullReplace),
        note: patch.note ?? null,
        breakHardLinks: Number(patch.breakHardLinks),
        findings: JSON.stringify(patch.findings),
        effect: effectOf(patch),
        at: now(),
      });
      return mustGet(patch.id);
    },
    ofSession: (session, state) =>
      (state === undefined ? sql.ofSession.all(session) : sql.inState.all(session, state)).map(toRow),
    unsettledOf: (session) => sql.unsettledOf.all(session).map(toRow),
    someUnsettledOf: (session, limit) => sql.someUnsettledOf.all(session, limit).map(toRow),
    holding: (session, path) => sql.holding.all({ session, path }).map(toRow),
    effects: (session) => sql.effects.get(session) as string,
    below: (session, directory) => sql.below.all({ session, ...rangeBelow(directory) }),
    countBelow: (session, directory) => sql.countBelow.get({ session, ...rangeBelow(directory) }) as number,
    removesBelow: (session, directory) =>
      sql.removesBelow.get({ session, ...rangeBelow(directory) }) !== undefined,
    unsettledAt: (workspace, paths) => {
      const rows = sql.unsettledAt.all({ workspace, paths: JSON.stringify(paths) });
      // A rename is there twice where both its paths are asked for.
      return [...new Map(rows.map((raw) => [raw.id, raw])).values()].map(toRow);
    },
    rivalling: (workspace, session, paths) =>
      sql.rivalling
        .all({ workspace, session, paths: JSON.stringify(paths), limit: MAX_RIVALS + paths.length })
        .map(toRow),
    rivallingBelow: (workspace, session, paths) =>
      sql.rivallingBelow
        .all({ workspace, session, paths: JSON.stringify(paths), limit: MAX_RIVALS + paths.length })
        .map(toRow),
    unsettledPaths: (workspace) => sql.unsettledPaths.all({ workspace }),
    holdBlob: (sessions, hash) =>
      sql.holdBlob.get({ sessions: JSON.stringify([...sessions]), hash }) !== undefined,
    list: ({ workspace, path = null, state = null, sessions }, { limit, before = NO_END }) =>
      sql[listFor({ path, state, sessions })]
        .all({
          ...{ workspace, path, state, before, limit },
          sessions: sessions ? JSON.stringify([...sessions]) : null,
        })
        .map(toRow),
    move: (id, to) => {
      assertLegal(id, mustGet(id), to);
      sql.move.run({
        id,
        state: to.state,
        reason: to.reason ?? null,
        operation: to.operation ?? null,
        at: now(),
      });
      return mustGet(id);
    },
    learn: (id, findings) => void sql.learn.run(JSON.stringify(findings), id),
    decide: (id, decision, note) => void sql.decide.run(decision, note ?? null, now(), id),
    remove: (id) => void sql.remove.run(id),
  };
}

function listFor({
  path,
  state,
  sessions,
}: {
  path: string | null;
  state: string | null;
  sessions: unknown;
}) {
  if (path !== null) return "listOfPath";
  if (sessions) return "listOfSessions";
  return state === null ? "list" : "listInState";
}

/** "0" is the character after "/"; the root has everything from "" on. */
function rangeBelow(directory: string): { from: string; to: string } {
  return directory === "" ? { from: "", to: "\u{10ffff}" } : { from: `${directory}/`, to: `${directory}0` };
}
