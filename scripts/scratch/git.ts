/** Git for the scripts, on repositories of their own: nothing of the user's configuration is needed or used. */
import { execFile } from "node:child_process";

const CONFIGURATION = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
};

export interface GitOptions {
  /** More of the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** It is ended after this long; by default never. */
  readonly timeoutMs?: number;
}

/** Runs git in `directory`; gives what it prints. @throws {Error} with git's own words where it fails */
export function git(
  directory: string,
  args: readonly string[],
  { env, input, timeoutMs = 0 }: GitOptions = {},
): Promise<Buffer> {
  // Without what a hook that runs this has set: GIT_DIR, GIT_INDEX_FILE, … name another repository.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_"));
  const environment = { ...Object.fromEntries(inherited), ...CONFIGURATION, ...env };
  return new Promise((resolve, reject) => {
    const child = execFile(
      "git",
      args,
      {
        cwd: directory,
        env: environment,
        encoding: "buffer",
        maxBuffer: Number.POSITIVE_INFINITY,
        timeout: timeoutMs,
      },
      (error, stdout) => (error ? reject(error) : resolve(stdout)),
    );
    // What ends before it has read everything says why by its status.
    child.stdin?.on("error", () => {}).end(input ?? "");
  });
}
