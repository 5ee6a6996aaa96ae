/**
 * Directories that a layer leaves open to the real tree, so that caches and build output last: those that a reviewer
 * names, and those of a policy that is trusted.
 */
import { IopipeError } from "../../../protocol/wire/errors.ts";
import type { Store } from "../../store/index.ts";
import type { OpenWorkspace } from "../opened.ts";
import { policyOf } from "../policy/index.ts";

/** @throws {IopipeError} NotAFile for one that was named and is no directory; DiskError for what is no path or protected */
export async function passedThrough(
  store: Store,
  workspace: Pick<OpenWorkspace, "id" | "tree">,
  named: readonly string[] = [],
): Promise<string[]> {
  const { tree } = workspace;
  for (const path of named)
    if ((await tree.entry(path)) !== "directory")
      throw new IopipeError("NotAFile", `${path} is no directory: nothing can be written there.`, {
        path,
        hint: "Make it first: what passes through is a directory that is there.",
      });
  const policy = await policyOf(store, workspace);
  const trusted = policy?.isTrusted ? (policy.rules?.passThrough ?? []) : [];
  const passed = new Set(named);
  // Of a policy's it takes those that are there: not every checkout has been built.
  for (const path of trusted) if ((await tree.entry(path)) === "directory") passed.add(path);
  return [...passed];
}
