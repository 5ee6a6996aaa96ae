/**
 * The policy that a workspace carries: `.iopipe.jsonc` in its root, JSON with comments.
 * Owns reading it; its shape is the contract's, what it says of a patch is rules.ts, whether a person trusts it the store's.
 * INVARIANT: a file that is there and cannot be understood allows nothing: `problem` says why.
 */
import { createHash } from "node:crypto";
import { type ParseError, parse, printParseErrorCode } from "jsonc-parser";
import { PolicyRules } from "../../../protocol/methods/index.ts";
import { isErrno, type Tree } from "../../disk/index.ts";
import { POLICY_FILE } from "../../staging/index.ts";

export interface PolicyFile {
  /** Of its bytes; undefined where they cannot be read. */
  readonly hash?: string;
  /** What it says; undefined with `problem`. */
  readonly rules?: PolicyRules;
  readonly problem?: string;
}

/** More than any policy; a file that is larger is not read. */
const MAX_BYTES = 256 * 1024;

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
  const text = new TextDecoder().decode(bytes);
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error) return { hash, problem: `${at(text, error.offset)}: ${printParseErrorCode(error.error)}` };
  const checked = PolicyRules.safeParse(value);
  return checked.success ? { hash, rules: checked.data } : { hash, problem: describe(checked.error) };
}

type Issue = Readonly<{ path: readonly PropertyKey[]; message: string }>;

function at(text: string, offset: number): string {
  return `line ${text.slice(0, offset).split("\n").length}`;
}

function describe({ issues: [issue] }: { issues: readonly Issue[] }): string {
  const where = issue?.path.length ? `"${issue.path.join(".")}": ` : "";
  return `${where}${issue?.message ?? "it is no policy"}`;
}
