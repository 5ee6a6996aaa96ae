/**
 * Applying a session: from what a reviewer was shown to one promotion.
 * Owns the order of the questions (repeated? stale? as shown? confirmed?); the answers are staging's, the writing is
 * promotion's. INVARIANT: between the last question and the promotion nothing of this workspace or session moves:
 * both turns are held.
 */
import type { CheckedParams, Result } from "../../protocol/methods/index.ts";
import { IopipeError, isKind } from "../../protocol/wire/errors.ts";
import { promote } from "../promotion/index.ts";
import { digestOf, type Examination, sessionToWire, staleError, syntaxInvalid } from "../staging/index.ts";
import { type OperationRow, operationToWire, type PatchRow, type SessionRow } from "../store/index.ts";
import type { Asking, House } from "./house.ts";
import type { OpenWorkspace } from "./opened.ts";
import { nothingPending, unapproved, unverified, whileWritten } from "./refusals.ts";
import { appliedPatches, findRepeated } from "./repeated.ts";
import { safetyCommit } from "./safety-commit.ts";

type Options = Omit<CheckedParams<"session/apply">, "session">;

/** Params are checked before ids: to be called before the session is looked up. @throws {IopipeError} InvalidParams */
export function assertSaysWhat({ expectedDigest, patches }: Options): void {
  if (expectedDigest !== undefined || patches !== undefined) return;
  throw new IopipeError("InvalidParams", "expectedDigest or patches: one of them is needed.", {
    hint: "Show the diff with session/diff, then apply with its digest.",
  });
}

/**
 * Promotes a session's pending patches, all or nothing; `options` say which (assertSaysWhat).
 *
 * @throws {IopipeError} see session/apply; the tree is as it was
 */
export function applySession(
  house: House,
  session: SessionRow,
  options: Options,
  asking: Asking,
): Promise<Result<"session/apply">> {
  const workspace = house.workspaces.find(session.workspace);
  const { signal } = asking;
  const inTurn = () => {
    refuseFor(whileWritten(house.store, session));
    // Begun while the workspace's turn is waited for, so that its order is that of asking.
    const checked = options.allowInvalidSyntax
      ? Promise.resolve()
      : house.staging.checkSyntax(session, options.patches, signal);
    checked.catch(() => undefined);
    const work = async () => {
      await checked;
      return applyInTurn(house, workspace, session, options, asking);
    };
    return workspace.write(work, signal);
  };
  return house.sessionTurn(session.id, inTurn, signal);
}

async function applyInTurn(
  house: House,
  workspace: OpenWorkspace,
  session: SessionRow,
  options: Options,
  asking: Asking,
): Promise<Result<"session/apply">> {
  const { store, staging } = house;
  const commit = async (operation: OperationRow): Promise<Partial<Result<"session/apply">>> =>
    options.safetyCommit
      ? { safetyCommit: await safetyCommit(store, workspace.tree, operation, asking.signal) }
      : {};
  const repeated = findRepeated(store, session, options);
  if (repeated) return { ...answer(house, session, repeated, []), ...(await commit(repeated)) };

  const shown = digestOf(store, session.id);
  const examined = await staging.examine(session, workspace.tree, options.patches, asking.signal);
  const stale = examined.stale.map(({ patch }) => patch);
  staging.markStale(stale);
  if (stale.length > 0 && options.onStale !== "skip")
    throw staleError(examined.stale.flatMap(({ files }) => files));
  const digest = digestOf(store, session.id);
  refuseUnseen(options, [shown, digest]);
  refuseProblems(examined, options);
  refuseFor(await unapproved(store, workspace, examined));
  refuseFor(nothingPending(session, examined));
  refuseFor(await unverified(store, workspace, session, examined, asking.signal));

  const operation = await promote(
    {
      workspace: workspace.id,
      tree: workspace.tree,
      kind: "apply",
      session: session.id,
      title: session.title,
      ...(session.agent !== undefined && { agent: session.agent }),
      ...(asking.by !== undefined && { by: asking.by }),
      ...(options.expectedDigest !== undefined && { digest: options.expectedDigest }),
      transitions: examined.transitions,
      signal: asking.signal,
      progress: asking.progress,
      ...workspace.hooks,
    },
    store,
  ).catch(async (error) => {
    if (isKind(error, "Stale")) await settleSeen(house, workspace, examined);
    throw error;
  });
  return { ...answer(house, session, operation, stale), ...(await commit(operation)) };
}

/** A base that went between the examination and the decision is what the apply saw: its patch is stale. */
async function settleSeen(
  { staging }: House,
  { tree }: OpenWorkspace,
  { patches }: Examination,
): Promise<void> {
  // The answer is why the apply was refused; what cannot be looked at now, the watcher looks at.
  await staging.settleStale(tree, patches).catch(() => undefined);
}

function refuseUnseen({ expectedDigest, patches }: Options, digests: readonly string[]): void {
  if (patches !== undefined && expectedDigest === undefined) return;
  if (digests.includes(expectedDigest as string)) return;
  throw new IopipeError(
    "DigestMismatch",
    `The session's digest is ${digests.at(-1)}, not ${expectedDigest}.`,
    {
      expected: expectedDigest,
      actual: digests.at(-1),
    },
  );
}

function refuseProblems(
  { problems, invalid }: Examination,
  { confirmFullReplace, allowInvalidSyntax }: Options,
): void {
  const problem = problems.find(({ kind }) => !(confirmFullReplace && kind === "ConfirmationRequired"));
  if (problem) throw problem;
  if (invalid.length > 0 && !allowInvalidSyntax) throw syntaxInvalid(invalid);
}

function refuseFor(refusal: IopipeError | undefined): void {
  if (refusal) throw refusal;
}

function answer(
  { store }: House,
  session: SessionRow,
  operation: OperationRow,
  stale: readonly PatchRow[],
): Result<"session/apply"> {
  return {
    operation: operationToWire(operation),
    session: sessionToWire(store, session),
    applied: appliedPatches(store, operation),
    skipped: stale.map(({ id, path }) => ({ patch: id, path, reason: "stale" })),
  };
}
