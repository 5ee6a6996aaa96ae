/**
 * Verifying: a command runs over the tree as an apply would make it, in a layer of its own, and what it says is bound to
 * the session's digest and the tree's clock. Nothing below the root changes: what the command writes goes with the layer.
 * Owns a verdict's making. Whether it still counts is standing.ts, whether one is needed required.ts, the layer daemon/layer.
 * INVARIANT: whoever asked, what is staged is an agent's code, and runs confined: an overlay or nothing, as a proposer.
 * Failure: where a command could not be run there is no verdict, and an error says why.
 */
import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Result } from "../../../protocol/methods/index.ts";
import { IopipeError, isKind } from "../../../protocol/wire/errors.ts";
import type { Role } from "../../../protocol/wire/locations.ts";
import {
  fillLayer,
  layerPlace,
  makeLayer,
  NoLayer,
  type Own,
  removeLayer,
  runInLayer,
  type Stream,
} from "../../layer/index.ts";
import {
  digestOf,
  type Examination,
  sessionVerified,
  staleError,
  verdictToWire,
} from "../../staging/index.ts";
import { now, type SessionRow, type VerdictRow } from "../../store/index.ts";
import type { House } from "../house.ts";
import type { OpenWorkspace } from "../opened.ts";
import { policyOf } from "../policy/index.ts";
import { type Run, runsOf } from "./checks.ts";
import { slots } from "./slots.ts";
import { settleVerdicts } from "./standing.ts";

export interface Verifier {
  /** Runs what is asked for, several at once. @throws {IopipeError} see session/verify */
  verify(session: SessionRow, options: VerifyOptions): Promise<Told[]>;
  /** The verdicts that there are, by name. */
  verdicts(session: SessionRow): Told[];
}

type Told = Result<"session/verdicts">["verdicts"][number];

interface VerifyOptions {
  readonly checks?: readonly string[] | undefined;
  /** A reviewer's. */
  readonly command?: readonly string[] | undefined;
  /** Relative to the root. */
  readonly directory?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly timeoutMs?: number | undefined;
  readonly role: Role;
  readonly by: string | undefined;
  readonly signal: AbortSignal;
  /** Takes what is printed; resolves when more may come. */
  readonly told: (
    printed: { check?: string; stream: Stream; text: string },
    done: number,
    total: number,
  ) => Promise<void> | undefined;
}

export interface VerifierParts extends House {
  readonly own: Own;
}

/** How long the watch may take to say where the tree stands. */
const CLOCK_MS = 30_000;

/** What is staged, ready to be laid out. */
interface Prepared {
  readonly workspace: OpenWorkspace;
  readonly transitions: Examination["transitions"];
  readonly digest: string;
  readonly clock: string;
}

export function createVerifier(parts: VerifierParts): Verifier {
  const { store } = parts;
  /** Sessions that are being verified: one look at a time, so that a client cannot ask for a thousand. */
  const busy = new Set<string>();
  const atOnce = slots(Math.max(2, availableParallelism()));

  const verify: Verifier["verify"] = async (session, options) => {
    if (busy.has(session.id)) throw alreadyVerifying(session);
    busy.add(session.id);
    // What is laid out may be content that no patch names: the disk's, under a change of mode.
    const release = store.holds.begin();
    try {
      const workspace = parts.workspaces.find(session.workspace);
      const runs = runsOf(await policyOf(store, workspace), options.role, options);
      const prepared = await prepare(parts, session, workspace, options.signal);
      let done = 0;
      const one = async (run: Run): Promise<Told> => {
        const told: VerifyOptions["told"] = (printed) => options.told(printed, done, runs.length);
        const row = await runOne(parts, session, prepared, run, { ...options, told });
        done += 1;
        return toldOf(parts, row);
      };
      return await all(runs, (run, signal) => atOnce(() => one(run), signal), options.signal);
    } finally {
      release();
      busy.delete(session.id);
    }
  };
  return { verify, verdicts: ({ id }) => store.verdicts.ofSession(id).map((row) => toldOf(parts, row)) };
}

/** All of them, in order; the first that cannot be run ends the others. */
async function all<T, R>(
  items: readonly T[],
  work: (item: T, signal: AbortSignal) => Promise<R>,
  signal: AbortSignal,
): Promise<R[]> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const results = await Promise.allSettled(
    items.map((item) =>
      work(item, either).catch((error) => {
        failed.abort(error);
        throw error;
      }),
    ),
  );
  signal.throwIfAborted();
  failed.signal.throwIfAborted();
  return results.map((result) => (result as PromiseFulfilledResult<R>).value);
}

/** The clock first: what changes while this looks is after it. */
async function prepare(
  { store, staging, sessionTurn }: VerifierParts,
  session: SessionRow,
  workspace: OpenWorkspace,
  signal: AbortSignal,
): Promise<Prepared> {
  const { clock } = await workspace.watch.sync(undefined, CLOCK_MS, signal);
  return await sessionTurn(
    session.id,
    async () => {
      const before = digestOf(store, session.id);
      const examined = await staging.examine(session, workspace.tree, undefined, signal);
      if (examined.stale.length > 0) throw staleError(examined.stale.flatMap(({ files }) => files));
      // To be confirmed is the reviewer's, at the apply.
      const problem = examined.problems.find((each) => !isKind(each, "ConfirmationRequired"));
      if (problem) throw problem;
      const digest = digestOf(store, session.id);
      if (digest !== before || examined.transitions.length === 0) throw nothingStaged(session);
      return { workspace, transitions: examined.transitions, digest, clock };
    },
    signal,
  );
}

async function runOne(
  { store, own }: VerifierParts,
  session: SessionRow,
  { workspace, transitions, digest, clock }: Prepared,
  { check, command, timeoutMs }: Run,
  { directory = "", env = process.env, by, signal, told }: VerifyOptions,
): Promise<VerdictRow> {
  const { root } = workspace;
  const id = `v${randomUUID()}`;
  const place = layerPlace(own.stateDir, id);
  const [startedAt, began] = [now(), performance.now()];
  try {
    makeLayer(place, root);
    await fillLayer(place, root, transitions, store.blobs.locate);
    const where = { id, root, place, pid: process.pid, hidden: own };
    const named = check === undefined ? {} : { check };
    const { exitCode, timedOut, output, cut } = await runInLayer(where, {
      directory: join(root, directory),
      command,
      env: confined(env, root),
      timeoutMs,
      signal,
      told: (stream, text) => told({ ...named, stream, text }, 0, 0),
    });
    const outcome = timedOut ? "timedOut" : exitCode === 0 ? "passed" : "failed";
    const row = store.verdicts.insert({
      ...{ session: session.id, workspace: workspace.id, ...named, command, outcome, digest, clock },
      ...(exitCode !== undefined && { exitCode }),
      ...{ treeChanged: false, startedAt, durationMs: Math.round(performance.now() - began), output, cut },
      ...(by !== undefined && { by }),
    });
    // After the row is there: what changes from now on makes it fall by itself.
    await settleVerdicts(store, workspace, { proven: true, signal });
    sessionVerified(store, session, by);
    return store.verdicts.ofSession(session.id).find(({ n }) => n === row.n) ?? row;
  } catch (error) {
    if (error instanceof NoLayer) throw noLayer(error.message);
    throw error;
  } finally {
    await removeLayer(place);
  }
}

/** As a proposer that is in a layer, and knows no session. */
function confined(env: NodeJS.ProcessEnv, root: string): NodeJS.ProcessEnv {
  const { IOPIPE_SESSION: _, ...rest } = env;
  return { ...rest, IOPIPE_ROLE: "proposer", IOPIPE_LAYER: root };
}

function toldOf({ store }: VerifierParts, row: VerdictRow): Told {
  return { ...verdictToWire(row, digestOf(store, row.session)), ...store.verdicts.printed(row.n) };
}

function alreadyVerifying({ id }: SessionRow): IopipeError {
  return new IopipeError("Busy", `Session ${id} is being verified already.`, { session: id });
}

function nothingStaged({ id }: SessionRow): IopipeError {
  return new IopipeError("IllegalState", `Session ${id} has nothing pending to verify, or just changed.`, {
    session: id,
    hint: "Stage a change first; then ask again.",
  });
}

function noLayer(why: string): IopipeError {
  return new IopipeError("IoFailed", `No layer could be made to verify in: ${why}.`, {
    hint: "It takes an overlay in a namespace: Linux, util-linux, and user namespaces where the daemon is not root.",
  });
}
