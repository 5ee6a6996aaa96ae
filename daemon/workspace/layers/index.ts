/**
 * The layers that commands run in, each with the session that is made of it.
 * Owns a layer's life: opened for a command that a client starts, staged as it stands whenever somebody asks for its
 * session, staged and removed at its end. That end is told by the client; where the client cannot (it was killed, the
 * daemon was not there), it is seen by there being nobody in the layer any more (watch-ends.ts).
 * Concurrency: one look at a layer at a time, in its session's turn.
 * Failure: what cannot be staged leaves the layer as it is, for the next look.
 * INVARIANT: a layer's row goes before its directory, and a directory without a row is nobody's.
 */
import { IopipeError, isKind } from "../../../protocol/wire/errors.ts";
import { inParallel } from "../../disk/index.ts";
import {
  identityOfProcess,
  layerPlace,
  makeLayer,
  type Own,
  processesIn,
  removeLayer,
  startIn,
} from "../../layer/index.ts";
import { openSession } from "../../staging/index.ts";
import type { LayerRow, SessionRow } from "../../store/index.ts";
import type { House } from "../house.ts";
import type { OpenWorkspace } from "../opened.ts";
import { type StagedLayer, stageLayer } from "./stage-layer.ts";
import { removeStrays, watchEnds } from "./watch-ends.ts";

export interface Layers {
  open(workspace: OpenWorkspace, options: OpenOptions): Promise<OpenedLayer>;
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

interface OpenOptions {
  readonly pid: number;
  readonly title?: string | undefined;
  readonly agent?: string | undefined;
  readonly trusted?: boolean | undefined;
  readonly maxBytes?: number | undefined;
  readonly by?: string | undefined;
}

interface OpenedLayer {
  readonly session: SessionRow;
  readonly backend: LayerRow["backend"];
  readonly root: string;
  readonly start: string[];
  readonly env: Record<string, string>;
}

interface CloseOptions {
  readonly discard?: boolean | undefined;
  readonly maxBytes?: number | undefined;
  readonly by?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LayersParts extends House {
  readonly own: Own;
  readonly failed: (error: unknown, doing: string, workspace: string) => void;
}

/** Of what one command may change. */
const MAX_BYTES = 8 * 1024 ** 3;

/** How long the watch may take to say what it has seen when a layer begins. */
const CLOCK_MS = 30_000;

export function createLayers(parts: LayersParts): Layers {
  const { store, workspaces, sessionTurn, own, failed } = parts;
  const placeOf = (session: string) => layerPlace(own.stateDir, session);

  const isLive = ({ session, pid, process }: LayerRow): boolean =>
    (process !== "" && identityOfProcess(pid) === process) || processesIn(session).length > 0;
  const remove = async (session: string): Promise<void> => {
    store.layers.remove(session);
    await removeLayer(placeOf(session));
  };
  const end = async (row: LayerRow, { discard, ...options }: CloseOptions): Promise<StagedLayer> => {
    const staged = discard
      ? { unstaged: [], conflicted: [] }
      : await stageLayer(parts, row, placeOf(row.session), { ...options, isOver: true });
    await remove(row.session);
    return staged;
  };
  const look = async (session: string, signal?: AbortSignal): Promise<void> => {
    // Over a workspace that is closed it waits until that is opened again.
    if (!store.layers.get(session) || !isOpen(session)) return;
    await sessionTurn(session, async () => {
      const row = store.layers.get(session);
      if (!row) return;
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
    open: async (workspace, { pid, title = "", agent, trusted = false, maxBytes = MAX_BYTES, by }) => {
      const session = openSession(store, { workspace: workspace.id, title, agent, role: "reviewer", by });
      const { id } = session;
      const { root } = workspace;
      const place = placeOf(id);
      const clock = workspace.watch.clock();
      const beganNs = makeLayer(place, root);
      const process = identityOfProcess(pid);
      store.layers.insert({ session: id, backend: "overlay", pid, process, beganNs, clock, maxBytes });
      // Not waited for; see changed-outside.ts.
      void workspace.watch
        .sync(undefined, CLOCK_MS)
        .then((settled) => store.layers.setSettledClock(id, settled.clock))
        .catch(() => undefined);
      return {
        session,
        backend: "overlay",
        root,
        start: startIn({ id, root, place, pid, hidden: trusted ? undefined : own }),
        env: { IOPIPE_SESSION: id, IOPIPE_LAYER: root, ...(!trusted && { IOPIPE_ROLE: "proposer" }) },
      };
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
          return await end(row, options);
        },
        options.signal,
      ),
  };
}

function stillRunning({ id }: SessionRow, pids: readonly number[]): IopipeError {
  return new IopipeError("Busy", `A command is still running in the layer of session ${id}.`, {
    session: id,
    pids,
    hint: `Wait for it, or end it: process ${pids[0]}.`,
  });
}
