/**
 * Risk: how much a reviewer should look at a patch, as an explicit sum with its reasons.
 * Pure. Owns the table; what a score allows is the workspace's policy (daemon/workspace/policy).
 * INVARIANT: a score never falls when a reason is added; 100 is the most, and no policy approves it by itself.
 */
import type { Patch } from "../../protocol/methods/index.ts";
import { ancestorsOf, foldCase } from "../disk/index.ts";
import type { NewPatch } from "../store/index.ts";
import { languageOf } from "./syntax/language.ts";

export type Risk = NonNullable<Patch["risk"]>;

/** Where a workspace may carry its policy. */
export const POLICY_FILE = ".iopipe.jsonc";

type Risky = Omit<NewPatch, "findings"> & Pick<Patch, "match" | "syntax"> & { readonly movedOver: boolean };

interface Reason {
  readonly score: number;
  readonly reason: string;
  applies(patch: Risky, scope: readonly string[] | undefined): boolean;
}

const EXECUTABLE = 0o111;
/** From here on, losing more than half of a file is more than tidying up. */
const SHRINKABLE_BYTES = 1024;

/** These in any case: many a file system has but one of the spellings. */
const CI =
  /^(\.github\/(workflows|actions)\/|\.gitlab-ci|\.circleci\/|\.buildkite\/|\.travis\.yml$|azure-pipelines|Jenkinsfile$|\.husky\/|\.githooks\/|\.pre-commit-config)/i;
/** Their hooks, servers and permissions: what they name is run, and what they no longer name is not asked any more. */
const AGENTS =
  /^(\.claude\/settings.*\.json|\.mcp\.json|\.codex\/|\.gemini\/|\.cursor\/|\.vscode\/(mcp|tasks|settings)\.json|(\.opencode\/)?opencode\.jsonc?)/i;
const LOCKFILE =
  /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|Cargo\.lock|poetry\.lock|uv\.lock|Pipfile\.lock|Gemfile\.lock|composer\.lock|go\.sum|flake\.lock|deno\.lock)$/i;
const SECRET =
  /(^|\/)(\.env(rc|\..+)?|\.npmrc|\.netrc|\.pypirc|id_(rsa|dsa|ecdsa|ed25519)|.+\.(pem|key|p12|pfx))$/i;

const REASONS: readonly Reason[] = [
  { score: 100, reason: "changes the workspace's policy", applies: (patch) => touches(patch, isPolicy) },
  { score: 40, reason: "may hold secrets", applies: (patch) => touches(patch, matching(SECRET)) },
  { score: 40, reason: "runs in CI or in hooks", applies: (patch) => touches(patch, matching(CI)) },
  {
    score: 40,
    reason: "configures an agent or an editor",
    applies: (patch) => touches(patch, matching(AGENTS)),
  },
  { score: 30, reason: "outside what the session says it is about", applies: isOutside },
  { score: 30, reason: "loses more than half of the file", applies: shrinks },
  { score: 25, reason: "deletes a file", applies: ({ kind }) => kind === "delete" },
  { score: 25, reason: "has another file moved over it", applies: ({ movedOver }) => movedOver },
  { score: 25, reason: "becomes executable", applies: becomesExecutable },
  { score: 20, reason: "was matched inexactly", applies: ({ match }) => match?.some(isInexact) ?? false },
  { score: 20, reason: "replaces a file over 1 MiB", applies: ({ fullReplace }) => fullReplace },
  { score: 20, reason: "is a symlink", applies: ({ after }) => after.type === "symlink" },
  { score: 15, reason: "changes a lockfile", applies: (patch) => touches(patch, matching(LOCKFILE)) },
  { score: 15, reason: "is binary", applies: ({ binary }) => binary },
  { score: 10, reason: "is code that could not be parsed", applies: isUnparsed },
  { score: 10, reason: "changes the mode", applies: changesMode },
];

const MOST = 100;

/** The patch's risk. `scope`: paths that its session says it is about, with all below them. */
export function riskOf(patch: Risky, scope: readonly string[] | undefined): Risk {
  const found = REASONS.filter(({ applies }) => applies(patch, scope));
  const score = found.reduce((sum, reason) => sum + reason.score, 0);
  return { score: Math.min(score, MOST), reasons: found.map(({ reason }) => reason) };
}

function touches({ path, from }: Risky, is: (path: string) => boolean): boolean {
  return is(path) || (from !== undefined && is(from));
}

/** Also in another spelling: many a file system has but one of them. What is below it makes a directory of it. */
export function isPolicy(path: string): boolean {
  return `${foldCase(path)}/`.startsWith(`${POLICY_FILE}/`);
}

function matching(names: RegExp): (path: string) => boolean {
  return (path) => names.test(path);
}

function isOutside(patch: Risky, scope: readonly string[] | undefined): boolean {
  if (!scope) return false;
  const inside = new Set(scope.map((path) => path.replace(/\/+$/, "")));
  return touches(patch, (path) => ![path, ...ancestorsOf(path)].some((one) => inside.has(one)));
}

function shrinks({ base, after }: Risky): boolean {
  if (after.type !== "file" || base.type !== "file" || (base.size ?? 0) < SHRINKABLE_BYTES) return false;
  return (after.size ?? 0) * 2 < (base.size ?? 0);
}

function becomesExecutable({ base, after }: Risky): boolean {
  return ((after.mode ?? 0) & ~(base.mode ?? 0) & EXECUTABLE) !== 0;
}

function changesMode({ base, after }: Risky): boolean {
  return base.mode !== undefined && after.mode !== undefined && base.mode !== after.mode;
}

function isInexact({ exactness }: NonNullable<Patch["match"]>[number]): boolean {
  return exactness !== "exact";
}

/** A text in no known language is not meant; nor is what nobody has looked at yet. */
function isUnparsed({ path, syntax }: Risky): boolean {
  return syntax?.status === "unknown" && languageOf(path) !== undefined;
}
