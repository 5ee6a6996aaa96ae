/**
 * Making one verdict: a layer of its own is filled with what is staged, the command runs in it, and what it says is
 * recorded and told.
 * INVARIANT: the layer is gone when this ends, and the verdict's row is there before the tree is looked at once more, so
 * that no change between the two is missed.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { DEFAULT_ROOM_BYTES, outgrown, outgrownError } from "../../../protocol/wire/room.ts";
import {
  fillLayer,
  GIT_FINDS_ABOVE,
  type LayerPlace,
  layerPlace,
  makeGitLayers,
  makeLayer,
  NoLayer,
  type Own,
  outsideGit,
  removeLayer,
  runInLayer,
  type Stream,
} from "../../layer/index.ts";
import { sessionVerified } from "../../staging/index.ts";
import { now, type SessionRow, type Store, type VerdictRow } from "../../store/index.ts";
import type { Run } from "./checks.ts";
import type { Prepared } from "./prepare.ts";
import { settleVerdicts } from "./standing.ts";

export interface Printed {
  readonly check?: string;
  readonly stream: Stream;
  readonly text: string;
}

export interface MakeOptions {
  /** Where the command begins, relative to the root. */
  readonly directory?: string | undefined;
  /** Default the daemon's. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** The client's name. */
  readonly by: string | undefined;
  readonly signal: AbortSignal;
  /** Takes what is printed; resolves when more may come. */
  readonly told: (printed: Printed) => Promise<void> | undefined;
}

/** @throws {IopipeError} IoFailed where no layer can be made; TooLarge; the signal's reason. Nothing is recorded then. */
export async function makeVerdict(
  { store, own }: { readonly store: Store; readonly own: Own },
  session: SessionRow,
  { workspace, transitions, digest, clock }: Prepared,
  { check, command, timeoutMs }: Run,
  { directory = "", env = process.env, by, signal, told }: MakeOptions,
): Promise<VerdictRow> {
  const { root } = workspace;
  const id = `v${randomUUID()}`;
  const place = layerPlace(own.stateDir, id);
  const named = check === undefined ? {} : { check };
  const [startedAt, began] = [now(), performance.now()];
  try {
    makeLayer(place, root);
    const { covered: git, uncovered } = await outsideGit(root, own);
    makeGitLayers(place, git);
    await fillLayer(place, root, transitions, store.blobs.locate);
    const where = { id, root, place, pid: process.pid, hidden: own, git };
    const { exitCode, timedOut, output, cut } = await inItsRoom(place, signal, (either) =>
      runInLayer(where, {
        directory: join(root, directory),
        env: { ...confined(env, root), ...(uncovered.length === 0 && GIT_FINDS_ABOVE) },
        told: (stream, text) => told({ ...named, stream, text }),
        ...{ command, timeoutMs, signal: either },
      }),
    );
    const outcome = timedOut ? "timedOut" : exitCode === 0 ? "passed" : "failed";
    const row = store.verdicts.insert({
      ...{ session: session.id, workspace: workspace.id, ...named, command, outcome, digest, clock },
      ...(exitCode !== undefined && { exitCode }),
      ...{ treeChanged: false, startedAt, durationMs: Math.round(performance.now() - began), output, cut },
      ...(by !== undefined && { by }),
    });
    await settleVerdicts(store, workspace, { proven: true, signal });
    sessionVerified(store, session, by);
    return store.verdicts.ofSession(session.id).find(({ n }) => n === row.n) ?? row;
  } catch (error) {
    throw error instanceof NoLayer ? noLayer(error.message) : error;
  } finally {
    await removeLayer(place);
  }
}

/** Ends what runs in a layer when that takes too much of the disk. @throws {IopipeError} TooLarge, then */
async function inItsRoom<T>(
  { directory }: LayerPlace,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const [over, full] = [new AbortController(), new AbortController()];
  const watched = outgrown({ directory, maxBytes: DEFAULT_ROOM_BYTES }, over.signal).then((found) => {
    if (found) full.abort();
    return found;
  });
  try {
    return await work(AbortSignal.any([signal, full.signal]));
  } catch (error) {
    const found = full.signal.aborted ? await watched : undefined;
    throw found ? await outgrownError(found, "There is no verdict; what it wrote is gone.") : error;
  } finally {
    over.abort();
  }
}

/** As a proposer that is in a layer, and knows no session. */
function confined({ IOPIPE_SESSION: _, ...env }: NodeJS.ProcessEnv, root: string): NodeJS.ProcessEnv {
  return { ...env, IOPIPE_ROLE: "proposer", IOPIPE_LAYER: root };
}

function noLayer(why: string): IopipeError {
  return new IopipeError("IoFailed", `No layer could be made to verify in: ${why}.`, {
    hint: "It takes an overlay in a namespace: Linux, util-linux, and user namespaces where the daemon is not root.",
  });
}
