/**
 * The users that `run` is tested as: the test's own, and where that is root also an ordinary one, with a home, a daemon
 * and a repository of its own. Everything goes through iopipectl, for another user's sockets are nobody else's.
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { lchownSync, readdirSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { type CliResult, startingHome } from "../fixture/cli.ts";
import type { TestHome } from "../fixture/server.ts";
import { makeRepository, type Repository } from "./repository.ts";

const IOPIPECTL = path.resolve(import.meta.dirname, "../../client/cli/main.ts");

/** Nobody's, on any machine that we know. */
const SOMEBODY = 54_321;

const AS_SOMEBODY = ["setpriv", ...[`--reuid=${SOMEBODY}`, `--regid=${SOMEBODY}`, "--clear-groups"]];

export interface User {
  readonly name: string;
  /** A program and its arguments that runs another as this user. */
  readonly through: readonly string[];
}

const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write("NOT TESTED: `run` as root; this is an ordinary user.\n");

export const USERS: readonly User[] = [
  { name: isRoot ? "root" : "an ordinary user", through: [] },
  ...(isRoot ? [{ name: "an ordinary user", through: AS_SOMEBODY }] : []),
];

export interface UserScene extends Repository, AsyncDisposable {
  readonly home: TestHome;
  /** Runs iopipectl in the repository. */
  ctl(...args: string[]): Promise<CliResult>;
  /** Starts it, and leaves it running. */
  start(...args: string[]): ChildProcessWithoutNullStreams;
  /** Runs any program there, as the user. */
  native(directory: string, program: string, ...args: string[]): void;
  /** Gives what the test has made to the user. */
  own(): void;
}

export function openUserScene(user: User, files: Readonly<Record<string, string>>): UserScene {
  const home = startingHome();
  const repository = makeRepository(path.join(home.directory, "repository"), files);
  const own = (): void => {
    if (user.through.length > 0) chownAll(home.directory);
  };
  own();
  const start = (...args: string[]): ChildProcessWithoutNullStreams => {
    const [program = "", ...rest] = [...user.through, process.execPath, IOPIPECTL, ...args];
    return spawn(program, rest, { cwd: repository.root, env: { ...home.env, USER: user.name } });
  };
  const ctl = async (...args: string[]): Promise<CliResult> => {
    const child = start(...args);
    child.stdin.end();
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { code, stdout, stderr };
  };
  return {
    ...{ ...repository, home, ctl, start, own },
    native: (directory, program, ...args) => {
      const [first = "", ...rest] = [...user.through, program, ...args];
      execFileSync(first, rest, { cwd: directory, env: home.env, stdio: "ignore" });
    },
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}

function chownAll(directory: string): void {
  lchownSync(directory, SOMEBODY, SOMEBODY);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) chownAll(file);
    else lchownSync(file, SOMEBODY, SOMEBODY);
  }
}
