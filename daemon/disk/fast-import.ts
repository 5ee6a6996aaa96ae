/**
 * git fast-import(1): objects and refs out of one stream, without index, work tree or lock.
 * Owns how it is started, and that it leaves nothing of its own behind. What is in the stream is the callers'.
 * Memory: large content is not held, neither here nor in git.
 * Failure: no ref is changed; whole objects that nothing refers to may stay, until git collects them. Where this process dies
 * meanwhile git ends by itself, and leaves a report of some hundred bytes (fast_import_crash_*) in the git directory.
 */
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type GitAnswer, runGit } from "./git.ts";

/** Compressing a GiB takes half a minute. */
const TIMEOUT_MS = 600_000;

/** Has git read `stream`, which ends with `done`; nothing but objects and refs is written, and no ref unless all went well. */
export async function fastImport(
  directory: string,
  gitDir: string,
  stream: AsyncIterable<Uint8Array>,
  { signal, timeoutMs = TIMEOUT_MS }: { signal?: AbortSignal | undefined; timeoutMs?: number } = {},
): Promise<GitAnswer> {
  const args = ["-c", "core.bigFileThreshold=1m", "fast-import", "--quiet", "--done", "--date-format=raw"];
  const env = await withoutConfiguredHooks(directory);
  const answer = await runGit(directory, args, { input: stream, signal, timeoutMs, env });
  if (answer.stdout === undefined) await sweep(directory, gitDir, answer);
  return answer;
}

/** What it leaves when it fails: a report for its own developers and, on a full disk, the pack that it could not end. */
async function sweep(directory: string, gitDir: string, { pid, error }: GitAnswer): Promise<void> {
  await rm(join(gitDir, `fast_import_crash_${pid}`), { force: true });
  const [, pack] = /^fatal: .*objects\/pack\/(tmp_pack_\w+)' write error/m.exec(error) ?? [];
  if (pack === undefined) return;
  const { stdout } = await runGit(directory, ["rev-parse", "--git-path", `objects/pack/${pack}`]);
  if (stdout !== undefined) await rm(resolve(directory, stdout.replace(/\n$/, "")), { force: true });
}

/**
 * The environment in which hooks do nothing that are commands of the configuration (git 2.54): core.hooksPath does not
 * know them, and the last command that is set for a name is the one. Source: git-hook(1); git-config(1), GIT_CONFIG_COUNT.
 */
async function withoutConfiguredHooks(directory: string): Promise<Record<string, string>> {
  const args = ["config", "--null", "--name-only", "--get-regexp", "^hook\\..*\\.event$"];
  const { stdout = "" } = await runGit(directory, args);
  const names = [...new Set(stdout.split("\0").slice(0, -1))].map((key) =>
    key.replace(/\.event$/, ".command"),
  );
  const pairs = names.flatMap((name, n) => [
    [`GIT_CONFIG_KEY_${n}`, name],
    [`GIT_CONFIG_VALUE_${n}`, "true"],
  ]);
  return { GIT_CONFIG_COUNT: String(names.length), ...Object.fromEntries(pairs) };
}
