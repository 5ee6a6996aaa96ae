/**
 * The dry run of an apply: what would be refused, all of it at once, and the order in which the rest would be written.
 * Owns which questions are asked, as apply.ts has them; the answers are staging's, the policy's and the checks'.
 * Moves nothing: what is found is only told.
 */
import type { Result } from "../../protocol/methods/index.ts";
import { staleError, syntaxInvalid } from "../staging/index.ts";
import type { SessionRow } from "../store/index.ts";
import type { House } from "./house.ts";
import { refusal } from "./policy/index.ts";
import { missingVerdict } from "./verify/required.ts";

/** What applying the session, or just `patches` of it, would come to. */
export async function checkSession(
  { store, staging, workspaces }: House,
  session: SessionRow,
  patches: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<Result<"session/check">> {
  const workspace = workspaces.find(session.workspace);
  await staging.checkSyntax(session, patches, signal);
  const found = await staging.examine(session, workspace.tree, patches, signal);
  const { order } = found;
  // Each patch says it already; there is no policy to be read either.
  const isGone = found.problems.some(({ kind }) => kind === "RootGone");
  const unapproved = isGone ? undefined : await refusal(store, workspace, found.patches);
  const unverified = isGone
    ? undefined
    : await missingVerdict(store, workspace, session, found.patches.length, signal);
  const problems = [
    ...found.stale.map(({ files }) => staleError(files)),
    ...found.problems,
    ...found.invalid.map((file) => syntaxInvalid([file]).with({ patch: file.patch })),
    ...[unapproved, unverified].filter((each) => each !== undefined),
  ];
  return {
    wouldApply: problems.length === 0 && order.length > 0,
    order,
    problems: problems.map(({ data, message }) => ({ ...data, message })),
  };
}
