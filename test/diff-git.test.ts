/** What session/diff gives is what git takes: applied it makes the staged tree, reversed the old one again. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Change } from "../protocol/methods/index.ts";
import { makeScene, type Scene, treeOf } from "./staging-scene.ts";

interface Entry {
  readonly content?: Buffer;
  readonly mode?: number;
  readonly target?: string;
}
type Files = Record<string, Entry>;

const NAMES = [
  "a",
  "dir/b c",
  'q"uo\\te',
  "tab\tname",
  "new\nline",
  "ünï/cödé €",
  " lead",
  "trail ",
  "d/e/f",
  "a b/a b",
  "b",
  "-x",
  "x y b/x y",
];

const content = fc.oneof(
  fc
    .array(fc.constantFrom("a\n", "b\n", "c\r\n", "\n", "ä\n"), { maxLength: 12 })
    .map((lines) => Buffer.from(lines.join(""))),
  fc
    .constantFrom("", "no newline", "a\nb\nno newline", "\r\n", "-- \n", "+++ b\n--- a\n", "\\ No newline\n")
    .map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.constant(Buffer.from([0xe9, 0x0a])),
);
const entry: fc.Arbitrary<Entry> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ content, mode: fc.constantFrom(0o644, 0o755) }) },
  { weight: 1, arbitrary: fc.record({ target: fc.constantFrom("a", "no where", "../x", "ü") }) },
);
const files = fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), entry), {
  selector: ([name]) => name,
  maxLength: 8,
});

function lay(root: string, all: Files): void {
  for (const [name, { content: bytes, mode, target }] of Object.entries(all)) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    if (target !== undefined) symlinkSync(target, file);
    else {
      writeFileSync(file, bytes ?? "");
      chmodSync(file, mode ?? 0o644);
    }
  }
}

/** The changes that lead from one set of files to the other. */
function changesBetween(old: Files, now: Files): Change[] {
  const changes: Change[] = Object.keys(old)
    .filter((name) => !now[name] || (old[name]?.target !== undefined) !== (now[name]?.target !== undefined))
    .map((name) => ({ kind: "delete", path: name }));
  for (const [name, { content: bytes, mode = 0o644, target }] of Object.entries(now)) {
    if (target !== undefined) changes.push({ kind: "symlink", path: name, target });
    else
      changes.push({
        kind: "write",
        path: name,
        contentBase64: (bytes ?? Buffer.alloc(0)).toString("base64"),
        mode,
      });
  }
  return changes;
}

async function diffOf({ staging, session }: Scene): Promise<string> {
  return (await staging.diffSession(session, {})).diff;
}

function git(root: string, args: string[], input: string): void {
  execFileSync("git", ["apply", "--whitespace=nowarn", ...args], {
    cwd: root,
    input,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, GIT_CEILING_DIRECTORIES: path.dirname(root) },
  });
}

/** Applies the diff in a copy of the old files, checks, reverses, checks. */
function roundTrip(old: Files, expected: Record<string, string>, diff: string): void {
  const copy = mkdtempSync(path.join(os.tmpdir(), "iopipe-diff-"));
  try {
    lay(copy, old);
    const before = treeOf(copy);
    if (diff === "") {
      expect(before).toEqual(expected);
      return;
    }
    git(copy, [], diff);
    expect(treeOf(copy)).toEqual(expected);
    git(copy, ["-R"], diff);
    expect(treeOf(copy)).toEqual(before);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function layOut(all: Files): Record<string, string> {
  const copy = mkdtempSync(path.join(os.tmpdir(), "iopipe-diff-"));
  lay(copy, all);
  const laid = treeOf(copy);
  rmSync(copy, { recursive: true, force: true });
  return laid;
}

test("any files, any names: git apply makes the staged tree, and -R takes it back", async () => {
  const scene = makeScene();
  let n = 0;
  await fc.assert(
    fc.asyncProperty(files, files, async (oldList, newList) => {
      const [old, now] = [Object.fromEntries(oldList), Object.fromEntries(newList)];
      scene.staging.discard(scene.session, { purge: true });
      rmSync(scene.root, { recursive: true });
      mkdirSync(scene.root);
      lay(scene.root, old);
      const changes = changesBetween(old, now);
      if (changes.length > 0) await scene.stage(...changes);
      roundTrip(old, layOut(now), await diffOf(scene));
      n++;
    }),
    { numRuns: 100, endOnFailure: true },
  );
  expect(n).toBeGreaterThan(0);
}, 120_000);

test("renames with and without edits, modes, odd modes, types", async () => {
  const bytes = Buffer.from("1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  const old: Files = {
    "old name": { content: bytes },
    moved: { content: bytes, mode: 0o644 },
    script: { content: bytes },
    binary: { content: Buffer.from([0, 1, 2]) },
    link: { target: "moved" },
    "to-link": { content: bytes },
    "to-file": { target: "x" },
  };
  const scene = makeScene();
  lay(scene.root, old);
  await scene.stage(
    { kind: "rename", path: "old name", to: 'new/"name' },
    { kind: "rename", path: "moved", to: "moved here" },
    { kind: "edit", path: "moved here", edits: [{ oldText: "5", newText: "five" }] },
    { kind: "chmod", path: "moved here", mode: 0o755 },
    { kind: "chmod", path: "script", mode: 0o755 },
    { kind: "rename", path: "binary", to: "bin 2" },
    { kind: "write", path: "bin 2", contentBase64: Buffer.from([0, 1, 3]).toString("base64") },
    { kind: "rename", path: "link", to: "link 2" },
    { kind: "symlink", path: "to-link", target: "script" },
    { kind: "delete", path: "to-file" },
    { kind: "write", path: "to-file", content: "file\n", mode: 0o600 },
  );
  const { diff, files: listed, digest } = await scene.staging.diffSession(scene.session, {});
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(listed.map(({ path: name, status, from }) => [name, status, from])).toEqual([
    ["bin 2", "rename", "binary"],
    ["link 2", "rename", "link"],
    ["moved here", "rename", "moved"],
    ['new/"name', "rename", "old name"],
    ["script", "chmod", undefined],
    ["to-file", "update", undefined],
    ["to-link", "symlink", undefined],
  ]);
  roundTrip(
    old,
    layOut({
      'new/"name': { content: bytes },
      "moved here": { content: Buffer.from(bytes.toString().replace("5", "five")), mode: 0o755 },
      script: { content: bytes, mode: 0o755 },
      "bin 2": { content: Buffer.from([0, 1, 3]) },
      "link 2": { target: "moved" },
      "to-link": { target: "script" },
      "to-file": { content: Buffer.from("file\n") },
    }),
    diff,
  );
  expect(diff).toContain("new file mode 100600");
});

test("by paths there is no digest; hunks come with ids; nothing pending is an empty diff", async () => {
  const scene = makeScene({ a: "1\n", b: "2\n" });
  expect(await scene.staging.diffSession(scene.session, {})).toMatchObject({ diff: "", files: [] });
  await scene.stage(
    { kind: "write", path: "a", content: "x\n" },
    { kind: "write", path: "b", content: "y\n" },
  );
  const one = await scene.staging.diffSession(scene.session, { paths: ["b"], format: "hunks" });
  expect(one).not.toHaveProperty("digest");
  expect(one.diff).toBe("");
  expect(one.files).toMatchObject([
    { path: "b", hunks: [{ oldStart: 1, oldLines: 1, newStart: 1, newLines: 1, lines: ["-2", "+y"] }] },
  ]);
  expect(one.files[0]?.hunks?.[0]?.id).toMatch(/^h[0-9a-f]{16}$/);
});

test("a diff over 8 MiB is TooLarge, also as hunks, and can be asked for by paths", async () => {
  const scene = makeScene();
  const big = (path: string): Change => ({
    kind: "write",
    path,
    content: `${path}${"x".repeat(99)}\n`.repeat(50_000),
  });
  await scene.stage(big("a"), big("b"), { kind: "write", path: "c", content: "small\n" });
  for (const format of ["unified", "hunks"] as const) {
    await expect(scene.staging.diffSession(scene.session, { format })).rejects.toMatchObject({
      kind: "TooLarge",
    });
    const { files: listed } = await scene.staging.diffSession(scene.session, { format, paths: ["a", "c"] });
    expect(listed).toMatchObject([
      { added: 50_000, fullReplace: true },
      { added: 1, fullReplace: false },
    ]);
  }
});
