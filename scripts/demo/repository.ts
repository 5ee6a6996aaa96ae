/**
 * The demo's repository: a git work tree of a few hundred real source files, the project's own and its dependencies'.
 * Owns its making, and what git says of it.
 */
import { cpSync } from "node:fs";
import { extname, join } from "node:path";
import { git } from "../scratch/git.ts";

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

const AUTHOR = ["-c", "user.name=demo", "-c", "user.email=demo@localhost"];

/** Makes the repository at `root` with one commit; resolves to the number of its files. */
export async function makeRepository(root: string): Promise<number> {
  for (const [name, source] of Object.entries(SOURCES))
    cpSync(join(CHECKOUT, source), join(root, name), {
      recursive: true,
      filter: (file) => COPIED.has(extname(file)),
    });
  await git(root, ["init", "--quiet"]);
  await git(root, ["add", "--all"]);
  await git(root, [...AUTHOR, "commit", "--quiet", "--message", "A few hundred real source files"]);
  return (await git(root, ["ls-files"])).toString().trimEnd().split("\n").length;
}

/** What git sees changed since that commit. */
export async function gitStatus(root: string): Promise<string> {
  return (await git(root, ["status", "--porcelain"])).toString();
}
