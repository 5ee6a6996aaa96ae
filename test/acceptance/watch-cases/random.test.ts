/**
 * Ten thousand random operations by four processes, beside git's checkouts and archives that are unpacked, the child
 * killed meanwhile: what since tells, a fresh listing, and a client that followed by notifications alone all hold what is
 * on disk. Source: watchman's audit. What the operations are is test/watch/mutate.ts.
 */
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { FileChange } from "../../../client/index.ts";
import { listed, walk } from "../../watch/fixture.ts";
import { openScene, type Scene } from "../scene.ts";
import { childOf } from "./processes.ts";
import { apply, expectSame, since, track } from "./tracked.ts";

const MUTATE = path.resolve(import.meta.dirname, "../../watch/mutate.ts");

const PROCESSES = 4;
const ROUNDS = 10;
const OPERATIONS = 10_000 / PROCESSES / ROUNDS;

/** Runs a program to its end, whatever that is: in a random tree something may be in its way. */
const attempt = (program: string, args: readonly string[], cwd: string): Promise<unknown> =>
  promisify(execFile)(program, args, { cwd }).catch(() => {});

/** What a client holds that listed everything once, and only listens from then on. */
async function follow(scene: Scene): Promise<Map<string, FileChange>> {
  const { changes, clock } = await since(scene);
  const known = new Map(changes.map((change) => [change.path, change]));
  const client = await scene.raw("proposer");
  await client.request("watch/subscribe", { workspace: scene.workspace, since: clock });
  const listen = async (): Promise<void> => {
    for (;;) {
      const message = await client.next();
      if (message === undefined) return;
      if (message.params.fresh) throw new Error("The history was lost.");
      apply(known, message.params.changes);
    }
  };
  void listen();
  return known;
}

test.for([1, 2])(
  "state equals disk after ten thousand operations, seed %i",
  { timeout: 240_000 },
  async (seed) => {
    const files = (of: string) =>
      Object.fromEntries(
        Array.from({ length: 60 }, (_, n) => [`tree/n${n % 12}/n${n % 7}/f${n}`, `${of} ${n}\n`]),
      );
    await using scene = await openScene({ killable: true, files: files("one") });
    scene.git(["checkout", "--quiet", "-b", "two"]);
    for (const [file, text] of Object.entries(files("two"))) scene.write(file, text);
    scene.write("tree/n0/two", "only here\n");
    scene.git(["add", "--all"]);
    scene.git(["commit", "--quiet", "--message", "two"]);
    const archive = path.join(scene.root, "../archive.tar");
    execFileSync("tar", ["-cf", archive, "-C", scene.root, "tree"]);
    mkdirSync(scene.at("unpacked"));

    const tracked = await track(scene);
    const followed = await follow(scene);
    for (let round = 0; round < ROUNDS; round++) {
      const mutating = Array.from({ length: PROCESSES }, (_, n) =>
        spawn(
          process.execPath,
          [MUTATE, scene.at("tree"), `${seed * 1000 + round * 10 + n}`, `${OPERATIONS}`],
          { stdio: "ignore" },
        ),
      ).map((child) => once(child, "exit"));
      const others = [
        attempt("git", ["checkout", "--quiet", "--force", round % 2 === 0 ? "two~1" : "two"], scene.root),
        attempt("tar", ["-xf", archive, "-C", scene.at(round % 2 === 0 ? "unpacked" : "tree")], scene.root),
      ];
      if (round % 3 === seed % 3) process.kill(await childOf(scene), "SIGKILL");
      await Promise.all([...mutating, ...others]);
      await tracked.check();
    }
    const holds = () => {
      expectSame(listed([...followed.values()]), walk(scene.root));
      return true;
    };
    await expect.poll(holds, { timeout: 60_000 }).toBe(true);
  },
);
