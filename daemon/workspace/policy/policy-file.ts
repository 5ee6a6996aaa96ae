/**
 * The policy that a workspace carries: `.iopipe.jsonc` in its root, JSON with comments.
 * Owns reading it; its shape is the contract's, what it says of a patch is rules.ts, whether a person trusts it the store's.
 * INVARIANT: a file that is there and cannot be understood allows nothing: `problem` says why.
 */
import { createHash } from "node:crypto";
import { getNodeValue, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { PolicyRules } from "../../../protocol/methods/index.ts";
import { isErrno, type Tree } from "../../disk/index.ts";
import { POLICY_FILE } from "../../staging/index.ts";
import { faultIn } from "../../watch/index.ts";

export interface PolicyFile {
  /** Of its bytes; undefined where they cannot be read. */
  readonly hash?: string;
  /** What it says; undefined with `problem`. */
  readonly rules?: PolicyRules;
  readonly problem?: string;
}

/** More than any policy; a file that is larger is not read. */
const MAX_BYTES = 256 * 1024;

/**
 * What a well-formed glob has that no path of a tree matches: a rule that is meant must not be none. None of these takes
 * longer than the glob is long: whoever wrote it may be hostile.
 */
const NAMES_NOTHING: readonly RegExp[] = [
  // Paths begin below the root, and have no empty name, `.` or `..`.
  /^\/|\/\/|(^|\/)\.{1,2}(\/|$)/,
  /^!/,
  // A slash behind special characters.
  /[*?[][^*?[]*\/$/,
  // Blanks at an end.
  /^\s|(?<!\\)\s$/,
  // Alternatives, as shells have them.
  /(?<!\\)\{[^{},]*,[^{}]*\}/,
];

/** The policy as it stands on disk; undefined where there is none. @throws {DiskError} RootGone */
export async function readPolicyFile(tree: Tree): Promise<PolicyFile | undefined> {
  const entry = await tree.entry(POLICY_FILE);
  if (entry === "absent") return undefined;
  if (entry !== "file") return { problem: `it is a ${entry}, not a file` };
  try {
    const { size = 0 } = await tree.lstat(POLICY_FILE);
    if (size > MAX_BYTES) return { problem: `it has ${size} bytes, more than ${MAX_BYTES}` };
    return parsePolicy((await tree.read(POLICY_FILE)).bytes);
  } catch (error) {
    if (isErrno(error, "EACCES", "EPERM")) return { problem: "it may not be read" };
    throw error;
  }
}

function parsePolicy(bytes: Uint8Array): PolicyFile {
  const hash = createHash("sha256").update(bytes).digest("hex");
  try {
    return { hash, ...understand(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) };
  } catch (error) {
    if (error instanceof TypeError) return { hash, problem: "it is not UTF-8" };
    // The parser descends by calling itself.
    if (error instanceof RangeError) return { hash, problem: "it is nested too deeply" };
    throw error;
  }
}

function understand(text: string): PolicyFile {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error) return { problem: `${at(text, error.offset)}: ${printParseErrorCode(error.error)}` };
  if (!root) return { problem: "it is empty" };
  const keys =
    root.type === "object" ? (root.children ?? []).map(({ children }) => children?.[0]?.value) : [];
  const twice = keys.find((key, n) => keys.indexOf(key) !== n);
  if (twice !== undefined) return { problem: `"${twice}" stands there twice` };
  const checked = PolicyRules.safeParse(getNodeValue(root));
  if (!checked.success) return { problem: describe(checked.error) };
  const { ask = [], never = [], checks = {}, require: required = [] } = checked.data;
  const unknown = required.find((name) => !Object.hasOwn(checks, name));
  if (unknown !== undefined) return { problem: `${JSON.stringify(unknown)} is required, and no check` };
  const idle = [...ask, ...never].find(namesNothing);
  return idle === undefined ? { rules: checked.data } : { problem: `${JSON.stringify(idle)} names nothing` };
}

function namesNothing(glob: string): boolean {
  return faultIn(glob) !== undefined || NAMES_NOTHING.some((part) => part.test(glob));
}

type Issue = Readonly<{ path: readonly PropertyKey[]; message: string }>;

function at(text: string, offset: number): string {
  return `line ${text.slice(0, offset).split("\n").length}`;
}

function describe({ issues: [issue] }: { issues: readonly Issue[] }): string {
  const where = issue?.path.length ? `"${issue.path.join(".")}": ` : "";
  return `${where}${issue?.message ?? "it is no policy"}`;
}
