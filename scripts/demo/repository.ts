/**
 * The demo's repository: a git work tree of a few hundred real source files, the project's own and its dependencies'.
 * Owns its making, and what git says of it.
 */
import { execFile } from "node:child_process";
import { cpSync } from "node:fs";
import { extname, join } from "node:path";
import { promisify } from "node:util";

const CHECKOUT = join(import.meta.dirname, "../..");

/** Folders whose sources are copied, by the name they get. */
const SOURCES: Readonly<Record<string, string>> = {
  "app/daemon": "daemon",
  "app/client": "client",
  "app/protocol": "protocol",
  "vendor/commander": "node_modules/commander/lib",
  "vendor/diff": "node_modules/diff/libesm",
  "vendor/zod": "node_modules/zod/src",
  "vendor/pino": "node_modules/pino/lib",
};

/** Directories have no extension. */
const COPIED = new Set(["", ".ts", ".js", ".mjs", ".cjs"]);

/** Fixed, so that nothing of the user's git configuration is needed or used. */
const GIT_ENVIRONMENT = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_AUTHOR_NAME: "demo",
  GIT_AUTHOR_EMAIL: "demo@localhost",
  GIT_COMMITTER_NAME: "demo",
  GIT_COMMITTER_EMAIL: "demo@localhost",
};

/** Runs git in `root`; gives what it prints. */
export async function git(root: string, ...args: string[]): Promise<string> {
  // Without what a hook that runs this has set: GIT_DIR, GIT_INDEX_FILE, … name another repository.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_"));
  const env = { ...Object.fromEntries(inherited), ...GIT_ENVIRONMENT };
  return (await promisify(execFile)("git", args, { cwd: root, env })).stdout;
}

/** Makes the repository at `root` with one commit; resolves to the number of its files. */
export async function makeRepository(root: string): Promise<number> {
  for (const [name, source] of Object.entries(SOURCES))
    cpSync(join(CHECKOUT, source), join(root, name), {
      recursive: true,
      filter: (file) => COPIED.has(extname(file)),
    });
  await git(root, "init", "--quiet");
  await git(root, "add", "--all");
  await git(root, "commit", "--quiet", "--message", "A few hundred real source files");
  return (await git(root, "ls-files")).trimEnd().split("\n").length;
}
