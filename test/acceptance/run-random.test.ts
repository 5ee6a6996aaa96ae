/**
 * Random commands in a layer, with looks in between: applied, the tree is as if each had run there by itself.
 * Few names, so that files, directories and links come in each other's place all the time.
 */
import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { snapshot } from "./repository.ts";
import { startScript } from "./running.ts";
import { openScene, sharedStage } from "./scene.ts";

const stage = sharedStage();

const FILES = { "a/a": "1\n", "a/b/c": "2\n", "b/a": "3\n", "b/c/a": "4\n", c: "5\n", "d/a": "6\n" };

/** What of a directory comes into a copy of it that is in itself depends on the order in which it is read. */
const unlessInside = (from: string, to: string): string =>
  `case $(realpath -m ${to}) in $(realpath -m ${from})/*) false;; esac &&`;

const name = fc.constantFrom("a", "b", "c", "d");
const place = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const step = fc.oneof(
  fc.tuple(place, fc.nat(9)).map(([at, n]) => `mkdir -p "$(dirname ${at})" && echo ${n} > ${at}`),
  fc.tuple(place, fc.nat(9)).map(([at, n]) => `echo ${n} >> ${at}`),
  place.map((at) => `rm -rf ${at}`),
  fc.tuple(place, place).map(([from, to]) => `mv -T ${from} ${to}`),
  fc
    .tuple(place, place)
    .map(([from, to]) => `${unlessInside(from, to)} { rm -rf ${to}; cp -a ${from} ${to}; }`),
  fc.tuple(place, name).map(([at, to]) => `ln -sfn ${to} ${at}`),
  fc
    .tuple(place, fc.constantFrom("600", "755", "644"))
    .map(([at, mode]) => `test -L ${at} || chmod ${mode} ${at}`),
  place.map((at) => `mkdir -p ${at}`),
);
const script = fc
  .array(step, { minLength: 1, maxLength: 12 })
  .map((steps) => steps.map((each) => `{ ${each}; } 2>/dev/null`).join("\n"));

const RUNS = 12;

/** Files and links; directories are not staged by themselves. */
function filesOf(root: string): Record<string, string> {
  const all = Object.entries(snapshot(root, { without: [".git"] }));
  return Object.fromEntries(all.filter(([file]) => !file.endsWith("/")));
}

test("what is applied is what the commands would have done", { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(script, { minLength: 1, maxLength: 3 }), async (scripts) => {
      await using scene = await openScene({ on: stage(), files: FILES });
      const native = path.join(scene.home.directory, `native-${path.basename(scene.root)}`);
      cpSync(scene.root, native, { recursive: true, verbatimSymlinks: true });
      for (const each of scripts)
        execFileSync("sh", ["-c", `${each}\ntrue`], { cwd: native, stdio: "ignore" });

      const before = filesOf(scene.root);
      const steps = scripts.map((each) => `${each}\necho ready; read _`);
      const running = await startScript(scene, steps.join("\n"));
      const { session } = running;
      for (const _ of scripts) {
        await scene.reviewer.call("session/diff", { session });
        running.goOn();
      }
      expect((await running.ended).stderr).not.toContain("conflict");
      expect(filesOf(scene.root)).toEqual(before);
      const { digest = "", files } = await scene.reviewer.call("session/diff", { session });
      if (files.length > 0) await scene.reviewer.call("session/apply", { session, expectedDigest: digest });
      expect(filesOf(scene.root)).toEqual(filesOf(native));
    }),
    { numRuns: Number(process.env.IOPIPE_TEST_RUNS ?? RUNS) },
  );
});
