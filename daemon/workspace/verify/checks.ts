/**
 * What is to be run: the policy's checks by name, or a reviewer's command.
 * INVARIANT: a policy's commands run only once a person trusts exactly these bytes, and an agent's are those of its checks
 * that the policy says agents may ask for.
 */
import { IopipeError } from "../../../protocol/wire/errors.ts";
import type { Role } from "../../../protocol/wire/locations.ts";
import { POLICY_FILE } from "../../staging/index.ts";
import type { Policy } from "../policy/index.ts";

export interface Run {
  /** Undefined for a command. */
  readonly check?: string;
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

const TIMEOUT_MS = 10 * 60_000;

/** As asked for. @throws {IopipeError} NotPermitted, IllegalState, InvalidParams */
export function runsOf(
  policy: Policy | undefined,
  role: Role,
  asked: {
    readonly checks?: readonly string[] | undefined;
    readonly command?: readonly string[] | undefined;
    readonly timeoutMs?: number | undefined;
  },
): Run[] {
  if (asked.command) return [{ command: asked.command, timeoutMs: asked.timeoutMs ?? TIMEOUT_MS }];
  const checks = checksOf(policy, role);
  const allowed = role === "reviewer" ? checks : checks.filter(([, { agents }]) => agents === true);
  const names = asked.checks ?? allowed.map(([name]) => name);
  if (names.length === 0)
    throw refused("NotPermitted", `${POLICY_FILE} has no check that agents may ask for`, ALLOWING);
  return [...new Set(names)].map((name) => {
    const check = checks.find(([each]) => each === name)?.[1];
    if (!check)
      throw refused("InvalidParams", `${POLICY_FILE} has no check ${name}`, {
        param: "checks",
        hint: `It has ${checks.map(([each]) => each).join(", ")}.`,
      });
    if (!allowed.some(([each]) => each === name))
      throw refused("NotPermitted", `${POLICY_FILE} does not let agents ask for the check ${name}`, ALLOWING);
    return {
      check: name,
      command: check.command,
      timeoutMs: asked.timeoutMs ?? check.timeoutMs ?? TIMEOUT_MS,
    };
  });
}

const ALLOWING = { hint: 'Ask the person who reviews; `"agents": true` in a check lets agents ask for it.' };

function checksOf(policy: Policy | undefined, role: Role) {
  if (policy?.problem !== undefined)
    throw refused("IllegalState", `${POLICY_FILE} cannot be understood (${policy.problem})`, {
      hint: "Mend it, or give a command: `iopipectl verify -- COMMAND`.",
    });
  const checks = Object.entries(policy?.rules?.checks ?? {});
  if (checks.length === 0)
    throw refused("IllegalState", `There are no "checks" in ${POLICY_FILE}`, {
      hint:
        role === "proposer"
          ? ALLOWING.hint
          : 'Add some, as {"checks": {"test": {"command": ["npm", "test"]}}}, or give a command: `iopipectl verify -- COMMAND`.',
    });
  if (!policy?.isTrusted)
    throw refused("NotPermitted", `The checks of ${POLICY_FILE} run only once it is trusted`, {
      hint: "Look at them, and say so, with `iopipectl trust`.",
    });
  return checks;
}

function refused(
  kind: "NotPermitted" | "IllegalState" | "InvalidParams",
  fact: string,
  extra: Readonly<Record<string, unknown>>,
): IopipeError {
  return new IopipeError(kind, `${fact}.`, { path: POLICY_FILE, ...extra });
}
