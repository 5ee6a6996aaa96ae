/**
 * The tree that is watched: 1,000 files in twenty packages under git, with the files that the bench writes to among
 * them; a branch with 2,000 files more; and directories for noise, one of them ignored.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { git } from "../../scratch/git.ts";

const PACKAGES = 20;
const FILES_PER_PACKAGE = 49;
const BRANCH_FILES = 2000;
const FILES_PER_DIRECTORY = 50;
const IDENTITY = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"];

/** The folder of everything that the bench writes to and waits for. */
export const PROBES = "packages/";
export const IGNORED_DIRECTORY = "build";
export const BRANCHES = ["main", "more"] as const;

/** What is written to, by the priority that iopipe gives it: never the same file twice in a row. */
export const PROBE_FILES = {
  HIGH: Array.from({ length: PACKAGES }, (_, n) => `${PROBES}p${n}/package.json`),
  MED: Array.from({ length: PACKAGES }, (_, n) => `${PROBES}p${n}/src/file-${n}.ts`),
} as const;

export async function makeTree(root: string): Promise<void> {
  for (let n = 0; n < PACKAGES; n++) {
    writeFiles(root, [`${PROBES}p${n}/package.json`]);
    writeFiles(root, filesIn(`${PROBES}p${n}/src`, FILES_PER_PACKAGE));
  }
  writeFiles(root, ["noise/file"]);
  writeFiles(root, [`${IGNORED_DIRECTORY}/file`]);
  writeFileSync(join(root, ".gitignore"), `${IGNORED_DIRECTORY}/\nnode_modules/\n`);
  const [main, more] = BRANCHES;
  await git(root, ["init", "--quiet", `--initial-branch=${main}`]);
  await commit(root);
  await git(root, ["checkout", "--quiet", "-b", more]);
  for (let n = 0; n < BRANCH_FILES / FILES_PER_DIRECTORY; n++)
    writeFiles(root, filesIn(`more/d${n}`, FILES_PER_DIRECTORY));
  await commit(root);
  await git(root, ["checkout", "--quiet", main]);
}

/** Directories of `count` files in all, fifty in each; no git. */
export function makePlainTree(root: string, count: number): void {
  for (let n = 0; n < count / FILES_PER_DIRECTORY; n++)
    writeFiles(root, filesIn(`g${n % PACKAGES}/d${n}`, FILES_PER_DIRECTORY));
}

function filesIn(directory: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${directory}/file-${n}.ts`);
}

/** Files of one directory. */
function writeFiles(root: string, names: readonly string[]): void {
  mkdirSync(dirname(join(root, names[0] as string)), { recursive: true });
  for (const name of names) writeFileSync(join(root, name), `export const name = ${JSON.stringify(name)};\n`);
}

async function commit(root: string): Promise<void> {
  await git(root, ["add", "--all"]);
  await git(root, [...IDENTITY, "commit", "--quiet", "--message", "files"]);
}
