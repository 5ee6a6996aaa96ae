/**
 * What a newcomer has: a built checkout and a repository of their own, in the home directory of a test.
 * The checkout is built from these sources, whatever is in dist/; its dependencies are this checkout's.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { bundle } from "../../scripts/launch/bundle.ts";
import { declarations } from "../../scripts/launch/declarations.ts";
import { ENTRIES } from "../../scripts/launch/entries.ts";

const CHECKOUT = path.resolve(import.meta.dirname, "../..");

/** Builds a checkout in `directory`, types included. */
export async function makeCheckout(directory: string): Promise<void> {
  const dist = path.join(directory, "dist");
  mkdirSync(dist, { recursive: true });
  cpSync(path.join(CHECKOUT, "package.json"), path.join(directory, "package.json"));
  cpSync(path.join(CHECKOUT, "tsconfig.json"), path.join(directory, "tsconfig.json"));
  symlinkSync(path.join(CHECKOUT, "node_modules"), path.join(directory, "node_modules"));
  const libraries = ENTRIES.filter(({ kind }) => kind === "library").map(({ source }) => source);
  await Promise.all([bundle(CHECKOUT, dist, ENTRIES), declarations(CHECKOUT, dist, libraries)]);
}

/** Makes a git repository with one commit in `directory`. */
export function makeRepository(directory: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, "index.js"), "export const answer = 42;\n");
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=you", "-c", "user.email=you@localhost", ...args], {
      cwd: directory,
    });
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "--message", "Begin");
}
