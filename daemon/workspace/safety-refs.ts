/**
 * The refs of safety commits (safety-commit.ts) whose operations were cleared: they go with them.
 * Owns which refs these are. A ref of an operation that this store does not know is somebody else's, and stays.
 * Failure: where git cannot be asked, or somebody has moved a ref meanwhile, all stay until the next pass.
 */
import { runGit } from "../disk/index.ts";

export interface SafetyRef {
  readonly name: string;
  readonly operation: string;
  readonly commit: string;
}

const PREFIX = "refs/iopipe/";

/** The refs under refs/iopipe/ of the repository that `root` lies in; none where there is no git. */
export async function safetyRefs(root: string, signal: AbortSignal): Promise<SafetyRef[]> {
  const args = ["for-each-ref", "--format=%(objectname) %(refname)", PREFIX];
  const { stdout = "" } = await runGit(root, args, { signal });
  return stdout.split("\n").flatMap((line) => {
    const [commit = "", name = ""] = line.split(" ");
    return name.startsWith(PREFIX) ? [{ name, commit, operation: name.slice(PREFIX.length) }] : [];
  });
}

/** Deletes refs as they were listed, all or none; says whether they went. */
export async function deleteRefs(
  root: string,
  refs: readonly SafetyRef[],
  signal: AbortSignal,
): Promise<boolean> {
  const commands = refs.map(({ name, commit }) => `delete ${name}\0${commit}\0`).join("");
  const input = once(Buffer.from(commands));
  const { stdout } = await runGit(root, ["update-ref", "--stdin", "-z"], { input, signal });
  return stdout !== undefined;
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
