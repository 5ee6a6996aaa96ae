/**
 * What a policy says of a patch. Pure.
 * Without a policy a reviewer's apply is the approval. A policy asks for a decision first, or forbids; it can take that
 * back for patches below a risk only where a person trusts it: whoever clones a repository is not bound to be as
 * generous as its author.
 * INVARIANT: a policy that nobody trusts never allows more than none.
 */
import { foldCase } from "../../disk/index.ts";
import { isPolicy, pathsOf } from "../../staging/index.ts";
import type { PatchRow } from "../../store/index.ts";
import { matchesAny } from "../../watch/index.ts";
import type { PolicyFile } from "./policy-file.ts";

export interface Policy extends PolicyFile {
  /** Whether a reviewer has said so of exactly these bytes. */
  readonly isTrusted: boolean;
}

/** Why the policy keeps a patch from being applied; undefined where it does not. */
export function objectionTo(patch: PatchRow, policy: Policy): string | undefined {
  const { rules, problem } = policy;
  if (!rules) return `the policy cannot be understood (${problem})`;
  const paths = pathsOf(patch);
  const forbidding = rules.never?.find((glob) => names(glob, paths));
  if (forbidding !== undefined) return `the policy never allows ${forbidding}`;
  if (patch.decision === "approved") return undefined;
  if (paths.some(isPolicy)) return "the policy wants a decision on its own change";
  const asking = rules.ask?.find((glob) => names(glob, paths));
  if (asking !== undefined) return `the policy wants a decision on ${asking}`;
  return tooRisky(patch, policy);
}

/** Also in another spelling: where a file system has but one of them, a rule holds for all; elsewhere it asks too much. */
function names(glob: string, paths: readonly string[]): boolean {
  return matchesAny([glob, foldCase(glob)], [...paths, ...paths.map(foldCase)]);
}

/** Where it names a limit, all from there on want a decision; all of them, where nobody trusts it. */
function tooRisky({ findings: { risk } }: PatchRow, { rules, isTrusted }: Policy): string | undefined {
  const below = rules?.autoApproveBelow;
  if (below === undefined) return undefined;
  if (!isTrusted) return "the policy, which nobody here has trusted, cannot approve it";
  // Patches staged before risks were computed have none.
  if (risk === undefined) return "its risk is not known";
  return risk.score < below ? undefined : `its risk is ${risk.score}, and the policy approves below ${below}`;
}
