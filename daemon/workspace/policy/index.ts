/** A workspace's policy: the door to this folder. Read afresh for each apply, so that it counts as soon as it is saved. */
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { POLICY_FILE, startPace } from "../../staging/index.ts";
import type { PatchRow, Store } from "../../store/index.ts";
import type { OpenWorkspace } from "../opened.ts";
import { readPolicyFile } from "./policy-file.ts";
import { objectionTo, type Policy } from "./rules.ts";

export type { Policy } from "./rules.ts";

/** The workspace's policy as it stands on disk now; undefined where it has none. @throws {DiskError} RootGone */
export async function policyOf(
  { workspaces }: Store,
  { id, tree }: Pick<OpenWorkspace, "id" | "tree">,
): Promise<Policy | undefined> {
  const file = await readPolicyFile(tree);
  return file && { ...file, isTrusted: file.hash !== undefined && workspaces.trusted(id) === file.hash };
}

/** Why the policy refuses to have these patches applied, as the error that says so; undefined where it does not. */
export async function refusal(
  store: Store,
  workspace: Pick<OpenWorkspace, "id" | "tree">,
  patches: readonly PatchRow[],
): Promise<IopipeError | undefined> {
  const policy = await policyOf(store, workspace);
  if (!policy) return undefined;
  const files: { path: string; patch: string; reason: string }[] = [];
  const pace = startPace();
  for (const patch of patches) {
    await pace();
    const reason = objectionTo(patch, policy);
    if (reason !== undefined) files.push({ path: patch.path, patch: patch.id, reason });
  }
  const [first, ...others] = files;
  if (!first) return undefined;
  const more = others.length > 0 ? `, and ${others.length} more` : "";
  const fact = `${first.path} is not approved: ${first.reason}${more}.`;
  return new IopipeError("NotApproved", fact, {
    path: first.path,
    files,
    policy: POLICY_FILE,
    hint: policy.rules ? "Decide with session/decide, or `iopipectl review`." : `Mend ${POLICY_FILE}.`,
  });
}
