/** The differ beside git's: the same changes wherever lines are not ambiguous, and git applies what it writes. */
import { execFileSync, spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { diffContent } from "../daemon/staging/diff/content.ts";
import { editText } from "../scripts/bench/diff/edits.ts";
import { seeded } from "../scripts/bench/diff/random.ts";
import { contents } from "./differ/contents.ts";

function makeDirectory(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), "iopipe-oracle-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const name of ["old", "now"]) mkdirSync(path.join(directory, name));
  return directory;
}

/** Lays out the pairs under "old" and "now", each by its number. */
function lay(directory: string, pairs: readonly (readonly [Buffer, Buffer])[]): void {
  for (const [n, [old, now]] of pairs.entries()) {
    writeFileSync(path.join(directory, "old", `${n}`), old);
    writeFileSync(path.join(directory, "now", `${n}`), now);
  }
}

const bodyOf = ([old, now]: readonly [Buffer, Buffer], context: number): string =>
  diffContent({ old, now, detail: "unified", context }).body ?? "";

/** git's hunks of each pair, without what it writes behind their numbers. */
function gitBodies(directory: string): Map<string, string> {
  const args = ["diff", "--no-index", "--no-indent-heuristic", "-U0", "old", "now"];
  const { stdout } = spawnSync("git", args, { cwd: directory, encoding: "utf8", maxBuffer: 2 ** 28 });
  const sections = stdout.split(/^(?=diff --git a\/old\/)/m);
  return new Map(
    sections.map((section) => [
      /^diff --git a\/old\/(\d+)/.exec(section)?.[1] ?? "",
      section.slice(section.indexOf("\n@@") + 1).replace(/^(@@ .*? @@).*$/gm, "$1"),
    ]),
  );
}

test("on realistic edits the hunks are git's, and never many more lines", () => {
  const random = seeded(7);
  const files = globSync("{daemon,client,protocol}/**/*.ts")
    .sort()
    .map((file) => readFileSync(file, "utf8"));
  const pairs = Array.from({ length: 500 }, (): [Buffer, Buffer] => {
    const old = files[random(files.length)] ?? "";
    return [Buffer.from(old), Buffer.from(editText(old, 1 + random(10), random))];
  });
  const directory = makeDirectory();
  lay(directory, pairs);
  const theirs = gitBodies(directory);
  const lines = (body: string) => body.match(/^[+-]/gm)?.length ?? 0;
  let [same, ourLines, gitLines] = [0, 0, 0];
  for (const [n, pair] of pairs.entries()) {
    const [ours, git] = [bodyOf(pair, 0), theirs.get(`${n}`) ?? ""];
    if (ours === git) same++;
    ourLines += lines(ours);
    gitLines += lines(git);
  }
  expect(same).toBeGreaterThan(0.97 * pairs.length);
  expect(ourLines).toBeLessThan(1.005 * gitLines);
});

test("git applies what it writes, of any text", () => {
  const texts = fc
    .sample(contents, { numRuns: 3000, seed: 1 })
    .filter((pair) => bodyOf(pair, 3).startsWith("@@"));
  expect(texts.length).toBeGreaterThan(500);
  const directory = makeDirectory();
  lay(directory, texts);
  const patch = texts.map(
    (pair, n) => `diff --git a/${n} b/${n}\n--- a/${n}\n+++ b/${n}\n${bodyOf(pair, 3)}`,
  );
  execFileSync("git", ["apply", "--whitespace=nowarn"], {
    cwd: path.join(directory, "old"),
    input: patch.join(""),
    env: { ...process.env, GIT_CEILING_DIRECTORIES: directory },
  });
  for (const [n, [, now]] of texts.entries())
    expect(readFileSync(path.join(directory, "old", `${n}`)).equals(now), `pair ${n}`).toBe(true);
});
