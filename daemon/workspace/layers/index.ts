/**
 * The layers that commands run in, each with the session that is made of it.
 * Owns a layer's life: opened for a command that a client starts, staged as it stands whenever somebody asks for its
 * session, staged and removed at its end. That end is told by the client; where the client cannot (it was killed, the
 * daemon was not there), it is seen by there being nobody in the layer any more (watch-ends.ts).
 * Concurrency: one look at a layer at a time, in its session's turn.
 * Failure: what cannot be staged leaves the layer as it is, for the next look; what is too large, until somebody says
 * what becomes of it.
 * INVARIANT: a layer's row goes before its directory, and a directory without a row is nobody's.
 */
import { IopipeError, isKind } from "../../../protocol/wire/errors.ts";
import { keptHint } from "../../../protocol/wire/room.ts";
import { inParallel } from "../../disk/index.ts";
import { identityOfProcess, layerPlace, type Own, processesIn, removeLayer } from "../../layer/index.ts";
import type { LayerRow, SessionRow } from "../../store/index.ts";
import type { Asking, House } from "../house.ts";
import type { OpenWorkspace } from "../opened.ts";
import { chooseBackends } from "./backend.ts";
import { type OpenedLayer, type OpenOptions, openLayer } from "./open-layer.ts";
import { passedThrough } from "./passed.ts";
import { type StagedLayer, type StageLayerOptions, stageLayer } from "./stage-layer.ts";
import { removeStrays, watchEnds } from "./watch-ends.ts";

export interface Layers {
  /** Asks the machine what it offers. @throws {IopipeError} IllegalState where that is nothing that may be used */
  open(workspace: OpenWorkspace, options: OpenOptions, asking: Asking): Promise<OpenedLayer>;
  /** Stages the session's layer as it stands, or ends it where nobody is in it; nothing where it has none. */
  look(session: string, signal?: AbortSignal): Promise<void>;
  /** `look` at every layer over a workspace, or over any. What fails is logged. */
  lookAtAll(workspace?: string): Promise<void>;
  /** Ends the session's layer. @throws {IopipeError} Busy while somebody is in it */
  close(session: SessionRow, options: CloseOptions): Promise<StagedLayer>;
  /** The client of the session's layer has gone: ends it as soon as nobody is in it. */
  abandoned(session: string): void;
  /** What runs in a layer goes on; the next daemon knows it. */
  stop(): void;
}

interface CloseOptions extends Omit<StageLayerOptions, "isOver"> {
  readonly discard?: boolean | undefined;
  /** Why it is to stand as it is until the next close. */
  readonly leave?: string | undefined;
}

export interface LayersParts extends House {
  readonly own: Own;
  readonly failed: (error: unknown, doing: string, workspace: string) => void;
}

export function createLayers(parts: LayersParts): Layers {
  const { store, workspaces, sessionTurn, own, failed } = parts;
  const choose = chooseBackends(own);
  const placeOf = (session: string) => layerPlace(own.stateDir, session);

  const isLive = ({ session, pid, process }: LayerRow): boolean =>
    (process !== "" && identityOfProcess(pid) === process) || processesIn(session).length > 0;
  const remove = async (session: string): Promise<void> => {
    store.layers.remove(session);
    await removeLayer(placeOf(session));
  };
  const end = async (row: LayerRow, { discard, ...options }: CloseOptions): Promise<StagedLayer> => {
    const staged = discard ? drop(row, options.by) : await stageOrTell(row, options);
    await remove(row.session);
    return staged;
  };
  /** What was looked at before goes too. */
  const drop = (row: LayerRow, by: string | undefined): StagedLayer => {
    parts.staging.discard(store.sessions.require(row.session), { by });
    return { unstaged: [], conflicted: [] };
  };
  /** What cannot be staged stands, and the session says so. */
  const stageOrTell = async (row: LayerRow, options: CloseOptions): Promise<StagedLayer> => {
    try {
      return await stageLayer(parts, row, placeOf(row.session), { ...options, isOver: true });
    } catch (error) {
      const isLeft = isKind(error, "TooLarge");
      if (!options.signal?.aborted) store.layers.setProblem(row.session, (error as Error).message, isLeft);
      throw error;
    }
  };
  const look = async (session: string, signal?: AbortSignal): Promise<void> => {
    // Over a workspace that is closed it waits until that is opened again.
    if (!store.layers.get(session) || !isOpen(session)) return;
    await sessionTurn(session, async () => {
      const row = store.layers.get(session);
      if (!row) return;
      if (row.isLeft) throw left(row);
      // Also on behalf of a request that only reads.
      const release = store.holds.begin();
      try {
        if (isLive(row)) await stageLayer(parts, row, placeOf(session), { isOver: false, signal });
        else await end(row, { signal });
      } finally {
        release();
      }
    });
  };
  const tellFailed = (session: string, error: unknown): void => {
    // A person's limit: whoever asks for the session is told.
    if (isKind(error, "TooLarge")) return;
    failed(error, "looking at a layer", store.sessions.get(session)?.workspace ?? "");
  };
  const isOpen = (session: string): boolean => {
    const workspace = store.sessions.get(session)?.workspace;
    return workspaces.list().some(({ id }) => id === workspace);
  };
  const ends = watchEnds({
    layers: () => store.layers.list().map(({ session }) => session),
    endIfLeft: async (session) => {
      const row = store.layers.get(session);
      if (row && isLive(row)) return false;
      await look(session);
      return true;
    },
    failed: tellFailed,
  });
  const isKnown = (session: string): boolean => store.layers.get(session) !== undefined;
  void removeStrays(own.stateDir, isKnown).catch((error) => tellFailed("", error));

  return {
    look,
    abandoned: ends.soon,
    stop: ends.stop,
    open: async (workspace, options, asking) => {
      const { backend, trusted = false } = options;
      const chosen = await choose(workspace.root, { backend, trusted });
      const passed = await passedThrough(store, workspace, options.passThrough);
      return openLayer(parts, workspace, { ...options, chosen, passed }, asking);
    },
    lookAtAll: async (workspace) => {
      const sessions = store.layers.list().map(({ session }) => session);
      const asked = sessions.filter(
        (id) => workspace === undefined || store.sessions.get(id)?.workspace === workspace,
      );
      await inParallel(asked, (id) => look(id).catch((error) => tellFailed(id, error)));
    },
    close: (session, options) =>
      sessionTurn(
        session.id,
        async () => {
          const row = store.layers.get(session.id);
          if (!row) return { unstaged: [], conflicted: [] };
          const inside = processesIn(session.id);
          if (inside.length > 0) throw stillRunning(session, inside);
          if (options.leave !== undefined) {
            store.layers.setProblem(session.id, options.leave, true);
            return { unstaged: [], conflicted: [] };
          }
          return await end(row, options);
        },
        options.signal,
      ),
  };
}

function left({ session, problem = "", maxBytes: limit }: LayerRow): IopipeError {
  return new IopipeError("TooLarge", problem, { session, limit, hint: keptHint(session) });
}

function stillRunning({ id }: SessionRow, pids: readonly number[]): IopipeError {
  return new IopipeError("Busy", `A command is still running in the layer of session ${id}.`, {
    session: id,
    pids,
    hint: `Wait for it, or end it: process ${pids[0]}.`,
  });
}
