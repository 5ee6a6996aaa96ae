/**
 * The policy's `require`: which checks must have passed on exactly what is to be applied, and why one has not.
 * It asks for more, so it counts whether or not anybody trusts the policy; to run the checks takes trust.
 */
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { digestOf, POLICY_FILE } from "../../staging/index.ts";
import type { SessionRow, Store, VerdictRow } from "../../store/index.ts";
import type { OpenWorkspace } from "../opened.ts";
import { type Policy, policyOf } from "../policy/index.ts";
import { settleVerdicts } from "./standing.ts";

/**
 * Why the policy refuses to have `count` patches of the session applied, as NotApproved; undefined where it does not.
 *
 * @throws {IopipeError} SyncTimeout where it cannot be told whether the tree has changed
 */
export async function missingVerdict(
  store: Store,
  workspace: Pick<OpenWorkspace, "id" | "tree" | "watch">,
  session: Pick<SessionRow, "id">,
  count: number,
  signal: AbortSignal,
): Promise<IopipeError | undefined> {
  const policy = await policyOf(store, workspace);
  const required = policy?.rules?.require ?? [];
  if (!policy || required.length === 0) return undefined;
  await settleVerdicts(store, workspace, { proven: true, signal });
  const verdicts = store.verdicts.ofSession(session.id);
  const digest = digestOf(store, session.id);
  const isPart = count < store.sessions.counts(session.id).pending;
  const missing = required.flatMap((check) => {
    const verdict = verdicts.find((each) => each.check === check);
    const reason = objection(verdict, policy, digest) ?? (isPart ? PART : undefined);
    return reason === undefined ? [] : [{ check, reason }];
  });
  const [first, ...others] = missing;
  if (!first) return undefined;
  const more = others.length > 0 ? `, and ${others.length} more` : "";
  return new IopipeError("NotApproved", `The check ${first.check} is required: ${first.reason}${more}.`, {
    checks: missing,
    policy: POLICY_FILE,
    hint: policy.isTrusted
      ? `Run it: iopipectl verify --session ${session.id}`
      : `Trust the policy with iopipectl trust, then run it: iopipectl verify --session ${session.id}`,
  });
}

const PART = "it passed on all that is pending, and only a part is to be applied";

function objection(verdict: VerdictRow | undefined, policy: Policy, digest: string): string | undefined {
  if (!verdict) return "it has not run on what is staged";
  const { check = "", command, outcome, exitCode } = verdict;
  if (outcome === "timedOut") return "it was not done in its time";
  if (outcome === "failed")
    return `it failed (${exitCode === undefined ? "by a signal" : `exit ${exitCode}`})`;
  if (verdict.digest !== digest) return "it passed on something else than what is staged now";
  if (verdict.treeChanged) return "the tree has changed since it passed";
  const now = policy.rules?.checks?.[check]?.command;
  return JSON.stringify(now) === JSON.stringify(command)
    ? undefined
    : "its command was another one when it passed";
}
