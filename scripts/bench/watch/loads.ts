/**
 * What else goes on while one file after the other is written to.
 * Owns what a load starts: its end is awaited, and what it made is gone then.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { endWithScript } from "../../scratch/child.ts";
import { git } from "../../scratch/git.ts";
import { smallPackages } from "./packages.ts";
import { BRANCHES, IGNORED_DIRECTORY } from "./tree.ts";

/** Where a load works: the measured root, and another one of the same watcher. */
export interface Place {
  readonly root: string;
  readonly other: string;
}

type Stop = () => Promise<unknown>;

export interface Load {
  readonly name: string;
  /** Uses up the processors: what a write waits for is then not the watcher alone. */
  readonly saturates?: true;
  start(place: Place): Stop;
}

const NOISE_MS = 10;
const LONGEST_MS = 30_000;

export const LOADS: readonly Load[] = [
  { name: "quiet", start: () => async () => {} },
  { name: "noise in the root", start: ({ root }) => appending(join(root, "noise/file")) },
  {
    name: "noise in an ignored directory",
    start: ({ root }) => appending(join(root, IGNORED_DIRECTORY, "file")),
  },
  { name: "noise in another root", start: ({ other }) => appending(join(other, "noise/file")) },
  { name: "git checkout of 2,000 files", start: ({ root }) => checkingOut(root) },
  { name: "npm ci", saturates: true, start: ({ root }) => installing(root) },
];

function appending(path: string): Stop {
  const timer = setInterval(() => appendFileSync(path, "noise\n"), NOISE_MS);
  return async () => clearInterval(timer);
}

/** To the branch with more files and back, all the time. */
function checkingOut(root: string): Stop {
  const [main, more] = BRANCHES;
  const checkout = (branch: string) => () =>
    git(root, ["checkout", "--quiet", branch], { timeoutMs: LONGEST_MS });
  const stop = repeating([checkout(more), checkout(main)]);
  return async () => {
    await stop();
    await checkout(main)();
  };
}

/** No registry is asked: the small packages that this project has are copied, several at once, all the time. */
function installing(root: string): Stop {
  const target = join(root, "node_modules");
  const remove = () => run("rm", ["-rf", "--", target]);
  const copy = async () => {
    await mkdir(target);
    const hands = Object.values(Object.groupBy(smallPackages(), (_, n) => n % availableParallelism()));
    await Promise.all(hands.map((packages = []) => run("cp", ["-a", "--", ...packages, target])));
  };
  const stop = repeating([copy, remove]);
  return async () => {
    await stop();
    await remove();
  };
}

/** Does the steps in turn until it is stopped; that resolves when the last one has ended. */
function repeating(steps: readonly (() => Promise<unknown>)[]): Stop {
  let stopped = false;
  const ended = (async () => {
    for (let n = 0; !stopped; n++) await steps[n % steps.length]?.();
  })();
  // Whoever stops it is told.
  ended.catch(() => {});
  return () => {
    stopped = true;
    return ended;
  };
}

/** Runs a command to its end, which comes with that of the bench or after LONGEST_MS at the latest. */
async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: "ignore", timeout: LONGEST_MS });
  endWithScript(child);
  await once(child, "exit");
}
