/**
 * The dry run of an apply: what it would do, in which order, and everything that it would be refused for.
 * Owns going the apply's way up to its first write, the plan of the promotion included; touches nothing.
 * Failure: what would be refused is answered; thrown is only what no apply could be asked for (unknown ids).
 */
import type { Problem, Result } from "../../protocol/methods/index.ts";
import { IopipeError, isKind } from "../../protocol/wire/errors.ts";
import { rehearse } from "../promotion/index.ts";
import { type Examination, staleError, syntaxInvalid } from "../staging/index.ts";
import type { SessionRow } from "../store/index.ts";
import type { House } from "./house.ts";
import type { OpenWorkspace } from "./opened.ts";
import { nothingPending, unapproved, unverified, whileWritten } from "./refusals.ts";

/**
 * What applying the session, or just `patches` of it, would come to.
 *
 * @throws {IopipeError} PatchNotFound, IllegalState for a named patch that is neither pending nor stale
 */
export async function checkSession(
  { store, staging, workspaces }: House,
  session: SessionRow,
  patches: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<Result<"session/check">> {
  const workspace = workspaces.find(session.workspace);
  await staging.checkSyntax(session, patches, signal);
  const examined = await staging.examine(session, workspace.tree, patches, signal);
  const rehearsed = await rehearsal(store, workspace, examined, signal);
  const problems = [whileWritten(store, session), ...problemsOf(examined)];
  if (rehearsed.refused && !isTold(rehearsed.refused, problems)) problems.push(rehearsed.refused);
  // Each patch says it already; there is no policy to be read either.
  if (!problems.some((problem) => problem?.kind === "RootGone")) {
    problems.push(await unapproved(store, workspace, examined));
    problems.push(await unverified(store, workspace, session, examined, signal));
  }
  if (examined.patches.length + examined.stale.length === 0) problems.push(nothingPending(session, examined));
  const found = problems.filter((problem) => problem !== undefined);
  return { wouldApply: found.length === 0, order: rehearsed.order, problems: found.map(toWire) };
}

const toWire = ({ data, message }: IopipeError): Problem => ({ ...data, message });

/** What there is to say about each patch. */
function problemsOf({ stale, problems, invalid }: Examination): (IopipeError | undefined)[] {
  return [
    ...stale.map(({ files }) => staleError(files)),
    ...problems,
    ...invalid.map((file) => syntaxInvalid([file]).with({ patch: file.patch })),
  ];
}

/** The order of the promotion's steps, or why it would not begin. */
async function rehearsal(
  store: House["store"],
  { id: workspace, tree }: OpenWorkspace,
  { transitions }: Examination,
  signal: AbortSignal,
): Promise<{ order: string[]; refused?: IopipeError }> {
  try {
    return { order: await rehearse({ workspace, tree, kind: "apply", transitions, signal }, store) };
  } catch (error) {
    if (!(error instanceof IopipeError) || isKind(error, "Cancelled")) throw error;
    return { order: transitions.map(({ path }) => path).sort(), refused: error };
  }
}

/** A fault of the whole root, or of several files, is told by that of one. */
function isTold(
  { kind, data: { path } }: IopipeError,
  problems: readonly (IopipeError | undefined)[],
): boolean {
  return problems.some(
    (problem) => problem?.kind === kind && (path === undefined || problem.data.path === path),
  );
}
