/**
 * The demo's repository: a git work tree of a few hundred real source files, the project's own and its dependencies'.
 * Owns its making, and what git says of it. Everything lies in a temporary directory.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";

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

/** Fixed, so that nothing of the user's git configuration is needed or used. */
const GIT_ENVIRONMENT = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_AUTHOR_NAME: "demo",
  GIT_AUTHOR_EMAIL: "demo@localhost",
  GIT_COMMITTER_NAME: "demo",
  GIT_COMMITTER_EMAIL: "demo@localhost",
};

export function git(root: string, ...args: string[]): string {
  return execFileSync("git", args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...GIT_ENVIRONMENT },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Makes the repository at `root` with one commit; returns how many files it has. */
export function makeRepository(root: string): number {
  for (const [name, source] of Object.entries(SOURCES)) copySources(join(CHECKOUT, source), join(root, name));
  git(root, "init", "--quiet");
  git(root, "add", "--all");
  git(root, "commit", "--quiet", "--message", "A few hundred real source files");
  return git(root, "ls-files").trimEnd().split("\n").length;
}

function copySources(from: string, to: string): void {
  if (!existsSync(from)) return;
  for (const file of readdirSync(from, { recursive: true, encoding: "utf8" })) {
    if (!/\.(ts|js|mjs|cjs)$/.test(file)) continue;
    const target = join(to, file);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(from, file), target);
  }
}
