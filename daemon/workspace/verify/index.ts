/**
 * Verifying: commands run over the tree as an apply would make it, and what they say is bound to the session's digest and
 * the tree's clock. Nothing below the root changes: what a command writes goes with its layer.
 * Owns who may run how much at once. What is run is checks.ts, on what prepare.ts, how make-verdict.ts; whether a verdict
 * still counts is standing.ts, whether one is needed required.ts.
 * INVARIANT: whoever asked, what is staged is an agent's code, and runs confined: in an overlay or not at all.
 * Failure: where a command could not be run there is no verdict, and an error says why.
 */
import { availableParallelism } from "node:os";
import type { Result } from "../../../protocol/methods/index.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import type { Role } from "../../../protocol/wire/locations.ts";
import type { Own } from "../../layer/index.ts";
import { digestOf, verdictToWire } from "../../staging/index.ts";
import type { SessionRow, VerdictRow } from "../../store/index.ts";
import type { House } from "../house.ts";
import { policyOf } from "../policy/index.ts";
import { runsOf } from "./checks.ts";
import { type MakeOptions, makeVerdict, type Printed } from "./make-verdict.ts";
import { prepare } from "./prepare.ts";
import { slots } from "./slots.ts";

export interface Verifier {
  /** Runs what is asked for, several at once. @throws {IopipeError} see session/verify */
  verify(session: SessionRow, options: VerifyOptions): Promise<Told[]>;
  /** The verdicts that there are, by name. */
  verdicts(session: SessionRow): Told[];
}

type Told = Result<"session/verdicts">["verdicts"][number];

interface VerifyOptions extends Omit<MakeOptions, "told"> {
  readonly checks?: readonly string[] | undefined;
  /** A reviewer's. */
  readonly command?: readonly string[] | undefined;
  readonly timeoutMs?: number | undefined;
  readonly role: Role;
  /** Takes what is printed, and how many commands of how many have ended. */
  readonly told: (printed: Printed, done: number, total: number) => Promise<void> | undefined;
}

export interface VerifierParts extends House {
  readonly own: Own;
}

export function createVerifier(parts: VerifierParts): Verifier {
  const { store } = parts;
  /** Sessions that are being verified: a client can ask once each. */
  const busy = new Set<string>();
  const atOnce = slots(Math.max(2, availableParallelism()));
  const toldOf = (row: VerdictRow): Told => ({
    ...verdictToWire(row, digestOf(store, row.session)),
    ...store.verdicts.printed(row.n),
  });

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
      const told = (printed: Printed) => options.told(printed, done, runs.length);
      return await all(
        runs.map((run) => async (signal) => {
          const make = () => makeVerdict(parts, session, prepared, run, { ...options, signal, told });
          const row = await atOnce(make, signal);
          done += 1;
          return toldOf(row);
        }),
        options.signal,
      );
    } finally {
      release();
      busy.delete(session.id);
    }
  };
  return { verify, verdicts: ({ id }) => store.verdicts.ofSession(id).map(toldOf) };
}

/** Does all of them; the first that fails ends the others, and is thrown when they have ended. */
async function all<T>(
  works: readonly ((signal: AbortSignal) => Promise<T>)[],
  signal: AbortSignal,
): Promise<T[]> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const begun = works.map((work) => work(either));
  for (const each of begun) each.catch((error) => failed.abort(error));
  await Promise.allSettled(begun);
  failed.signal.throwIfAborted();
  return await Promise.all(begun);
}

function alreadyVerifying({ id }: SessionRow): IopipeError {
  return new IopipeError("Busy", `Session ${id} is being verified already.`, { session: id });
}
