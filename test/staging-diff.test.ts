/** unifiedDiff: what git writes is taken exactly, or refused; nothing is applied by guess. */
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sessionToWire } from "../daemon/staging/index.ts";
import type { Change } from "../protocol/methods/index.ts";
import { isKind } from "../protocol/wire/errors.ts";
import { stagedTree } from "./formats/staged-tree.ts";
import { makeScene } from "./staging-scene.ts";

const diff = (text: string): Change => ({ kind: "unifiedDiff", text });
const lines = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";

/** A diff by git itself, between two sets of files, with renames found. */
function gitDiff(old: Record<string, string>, now: Record<string, string>): Buffer {
  const base = mkdtempSync(path.join(os.tmpdir(), "iopipe-gitdiff-"));
  const git = (...args: string[]) => execFileSync("git", args, { cwd: base, maxBuffer: 2 ** 26 });
  const lay = (files: Record<string, string>) => {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(base, name)), { recursive: true });
      execFileSync("tee", [path.join(base, name)], {
        input: Buffer.from(content, "latin1"),
        stdio: ["pipe", "ignore", "inherit"],
      });
    }
    git("add", "-A");
  };
  try {
    git("init", "-q");
    git("config", "core.autocrlf", "false");
    lay(old);
    git("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "--allow-empty", "-m", "old");
    for (const name of Object.keys(old)) rmSync(path.join(base, name));
    lay(now);
    return git("diff", "--cached", "-M", "-C", "--no-ext-diff");
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

test("git's own diffs, with renames, copies, creations and deletions, give git's result", async () => {
  const old = {
    "a b": lines,
    "c/ü": lines.repeat(2),
    gone: "x\n",
    empty: "",
    crlf: "1\r\n2\r\n",
    latin: "caf\xe9\nx\n",
  };
  const now = {
    "new name": lines.replace("5", "five"),
    "c/ü": `${lines.repeat(2)}more\n`,
    copy: `${lines.repeat(2)}copied\n`,
    fresh: "no newline",
    "empty 2": "",
    crlf: "1\r\ntwo\r\n",
    latin: "caf\xe9\ny\n",
  };
  const utf8 = (files: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(files).map(([name, content]) => [name, Buffer.from(content, "latin1")]),
    );
  const scene = makeScene(utf8(old));
  const bytes = gitDiff(old, now);
  await scene.stage({ kind: "unifiedDiff", textBase64: bytes.toString("base64") });
  const listed = await scene.staging.listFiles(scene.session, scene.tree, {
    session: scene.session.id,
    recursive: true,
  });
  const files = listed.entries.filter(({ type }) => type === "file").map((entry) => entry.path);
  expect(files.sort()).toEqual(Object.keys(now).sort());
  for (const [name, content] of Object.entries(utf8(now))) {
    const read = await scene.staging.readFile(scene.session, scene.tree, {
      session: scene.session.id,
      path: name,
      encoding: "base64",
    });
    expect(Buffer.from(read.content, "base64"), name).toEqual(content);
  }
  expect(scene.pending().find((patch) => patch.path === "new name")).toMatchObject({
    kind: "rename",
    from: "a b",
  });
});

test("a session's own diff, staged anew, is the same digest", async () => {
  const scene = makeScene();
  const content = fc
    .array(fc.constantFrom("a\n", "b\n", "c\r\n", "\n", "ä\n"), { maxLength: 12 })
    .map((all) => all.join(""));
  const files = fc.dictionary(
    fc.constantFrom("a", "b c", 'q"u', "tab\t", "d/ü"),
    fc.tuple(content, fc.constantFrom(0o644, 0o755)),
  );
  await fc.assert(
    fc.asyncProperty(files, files, async (old, now) => {
      scene.staging.discard(scene.session, { purge: true });
      rmSync(scene.root, { recursive: true });
      mkdirSync(scene.root);
      for (const [name, [text, mode]] of Object.entries(old)) scene.write(name, text, mode);
      const changes: Change[] = [
        ...Object.keys(old)
          .filter((name) => !now[name])
          .map((name): Change => ({ kind: "delete", path: name })),
        ...Object.entries(now).map(
          ([name, [text, mode]]): Change => ({ kind: "write", path: name, content: text, mode }),
        ),
      ];
      if (changes.length === 0) return;
      await scene.stage(...changes);
      const shown = await scene.staging.diffSession(scene.session, {});
      if (shown.diff === "") return;
      scene.staging.discard(scene.session, { purge: true });
      await scene.stage(diff(shown.diff));
      expect(sessionToWire(scene.store, scene.session).digest).toBe(shown.digest);
    }),
    { numRuns: 60 },
  );
});

test("links, modes and types", async () => {
  const scene = makeScene({ script: lines, file: "x\n", tight: "t\n" });
  scene.link("link", "old");
  scene.write("tight", "t\n", 0o600);
  await scene.stage(
    { kind: "chmod", path: "script", mode: 0o755 },
    { kind: "symlink", path: "link", target: "new" },
    { kind: "symlink", path: "file", target: "script" },
    { kind: "write", path: "tight", content: "tighter\n" },
    { kind: "rename", path: "tight", to: "moved" },
  );
  const shown = await scene.staging.diffSession(scene.session, {});
  scene.staging.discard(scene.session, {});
  await scene.stage(diff(shown.diff));
  expect(sessionToWire(scene.store, scene.session).digest).toBe(shown.digest);
});

describe("refused", () => {
  const link = (hunk: string) =>
    `diff --git a/l b/l\nnew file mode 120000\n${hunk && "--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n"}${hunk}`;
  const header = "diff --git a/a b/a\n--- a/a\n+++ b/a\n";
  test.each<[string, string, string]>([
    ["nothing", "", "PatchMalformed"],
    ["prose", "please change it\n", "PatchMalformed"],
    ["a truncated hunk", `${header}@@ -1,3 +1,3 @@\n 1\n-2\n`, "PatchMalformed"],
    ["a name that is not UTF-8", 'diff --git "a/\\377" "b/\\377"\nnew file mode 100644\n', "PatchMalformed"],
    ["a hunk without a file", "@@ -1 +1 @@\n-1\n+x\n", "PatchMalformed"],
    [
      "a binary payload",
      "diff --git a/a b/a\nindex 1..2 100644\nGIT binary patch\nliteral 0\nHcmV?d00001\n\n",
      "PatchMalformed",
    ],
    ["binary files that differ", "diff --git a/a b/a\nBinary files a/a and b/a differ\n", "PatchMalformed"],
    ["an entry that says nothing", "diff --git a/a b/a\nindex 1..2 100644\n", "PatchMalformed"],
    [
      "a submodule",
      "diff --git a/s b/s\nnew file mode 160000\n--- /dev/null\n+++ b/s\n@@ -0,0 +1 @@\n+Subproject commit 1\n",
      "PatchMalformed",
    ],
    ["context that is not there", `${header}@@ -1,2 +1,2 @@\n 1\n-other\n+x\n`, "MatchNotFound"],
    ["two places", "--- a/twice\n+++ b/twice\n@@ -7 +7 @@\n-same\n+x\n", "MatchAmbiguous"],
    [
      "creating what is",
      "diff --git a/a b/a\nnew file mode 100644\n--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+x\n",
      "FileExists",
    ],
    ["changing what is not", "--- a/none\n+++ b/none\n@@ -1 +1 @@\n-a\n+b\n", "FileNotFound"],
    [
      "deleting a part",
      "diff --git a/a b/a\ndeleted file mode 100644\n--- a/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\n",
      "PatchMalformed",
    ],
    ["one change twice", "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+x\n".repeat(2), "MatchNotFound"],
    ["a link to nowhere at all", link(""), "PatchMalformed"],
    ["a link's target with a NUL", link("+x\0y\n\\ No newline at end of file\n"), "InvalidParams"],
    ["outside", "--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n", "PathEscape"],
    [
      "git's own",
      "diff --git a/.git/config b/.git/config\nnew file mode 100644\n--- /dev/null\n+++ b/.git/config\n@@ -0,0 +1 @@\n+x\n",
      "PathProtected",
    ],
    [
      "renaming onto what is",
      "diff --git a/a b/twice\nsimilarity index 100%\nrename from a\nrename to twice\n",
      "FileExists",
    ],
  ])("%s", async (_, text, kind) => {
    const scene = makeScene({ a: lines, twice: "same\nother\nsame\n" });
    await expect(scene.stage(diff(text))).rejects.toMatchObject({ kind, data: { index: 0 } });
    expect(scene.pending()).toEqual([]);
  });

  test("a link's target that is not UTF-8", async () => {
    const text = Buffer.from(link("+x?y\n\\ No newline at end of file\n"));
    text[text.indexOf("?")] = 0xff;
    const change: Change = { kind: "unifiedDiff", textBase64: text.toString("base64") };
    await expect(makeScene().stage(change)).rejects.toMatchObject({ kind: "PatchMalformed" });
  });

  test("text and textBase64 at once, or a baseHash for several files", async () => {
    const scene = makeScene({ a: lines });
    const one = `--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+x\n`;
    await expect(scene.stage({ kind: "unifiedDiff", text: one, textBase64: "" })).rejects.toMatchObject({
      kind: "InvalidParams",
    });
    const baseHash = "0".repeat(64);
    await expect(scene.stage({ kind: "unifiedDiff", text: one, baseHash })).rejects.toMatchObject({
      kind: "Stale",
    });
    const two = `${one}--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n`;
    await expect(scene.stage({ kind: "unifiedDiff", text: two, baseHash })).rejects.toMatchObject({
      kind: "InvalidParams",
    });
  });
});

test("a hunk whose line numbers are off goes where alone it fits", async () => {
  const scene = makeScene({ a: lines });
  await scene.stage(diff("--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n 6\n-7\n+seven\n"));
  expect(await scene.read("a")).toBe(lines.replace("7", "seven"));
});

test("a diff that was cut off anywhere is refused, or what is left are whole hunks", async () => {
  const long = Array.from({ length: 20 }, (_, n) => `${n}\n`).join("");
  const old = { a: long, b: lines.replaceAll("\n", "0\n") };
  const now = {
    a: long.replace("2", "two").replace("18\n", "18\neighteen\n"),
    b: old.b.replace("30", "thirty"),
    c: "new\nfile\n",
  };
  const whole = gitDiff(old, now);
  const scene = makeScene(old);
  const results = new Set<string>();
  for (let end = 0; end <= whole.length; end++) {
    const textBase64 = whole.subarray(0, end).toString("base64");
    const staged = await scene.stage({ kind: "unifiedDiff", textBase64 }).catch((error: unknown) => {
      if (!isKind(error, "PatchMalformed", "MatchNotFound")) throw error;
    });
    if (!staged) continue;
    results.add(JSON.stringify(await stagedTree(scene)));
    scene.staging.discard(scene.session, { purge: true });
  }
  const whatIsMade = [...results].map((tree) => JSON.parse(tree) as Record<string, string>);
  const files = (tree: Record<string, string>) => [tree["a"], tree["b"], tree["c"]];
  const file = (content: string | undefined) => (content === undefined ? undefined : `false ${content}`);
  const halfA = old.a.replace("2", "two");
  expect(whatIsMade.map(files)).toEqual(
    [
      [halfA, old.b, undefined],
      [now.a, old.b, undefined],
      [now.a, now.b, undefined],
      // Without an index line nothing tells that it is not meant to be empty.
      [now.a, now.b, ""],
      [now.a, now.b, now.c],
    ].map((each) => each.map(file)),
  );
});

test("a file with other names may go or be copied, but not be changed unasked", async () => {
  const scene = makeScene({ a: "1\n" });
  linkSync(path.join(scene.root, "a"), path.join(scene.root, "a2"));
  const change = "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\n";
  await expect(scene.stage(diff(change))).rejects.toMatchObject({ kind: "HardLinked", data: { path: "a" } });
  await scene.stage({ kind: "unifiedDiff", text: change, breakHardLinks: true });
  scene.staging.discard(scene.session, {});
  const copy = "diff --git a/a b/c\ncopy from a\ncopy to c\n";
  const gone = "diff --git a/a2 b/a2\ndeleted file mode 100644\n--- a/a2\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\n";
  await scene.stage(diff(copy + gone));
  expect(scene.pending().map(({ path: at, kind }) => `${kind} ${at}`)).toEqual(["delete a2", "create c"]);
});

test("how a file was matched is kept while diffs build on it", async () => {
  const scene = makeScene({ a: lines });
  const moved = "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n 6\n-7\n+seven\n";
  const exact = "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n-1\n+one\n 2\n";
  await scene.stage(diff(moved));
  const [patch] = await scene.stage(diff(exact));
  expect(patch?.findings.match).toEqual([
    { line: 6, exactness: "offset" },
    { line: 1, exactness: "exact" },
  ]);
  scene.staging.discard(scene.session, {});
  const [both] = await scene.stage(diff(moved + exact));
  expect(both?.findings.match).toEqual(patch?.findings.match);
});

test("counts that are wrong are told", async () => {
  const scene = makeScene({ a: lines });
  const { warnings } = await scene.staging.stage(scene.session, scene.tree, {
    changes: [diff("--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n 1\n-2\n+x\n 3\n")],
    ownsBlob: () => true,
  });
  expect(warnings).toEqual([expect.stringMatching(/^a: the line counts of the hunk on line 3 of the diff/)]);
  expect(await scene.read("a")).toBe(lines.replace("2", "x"));
});

test("a session's diff without context is proven by its index line, and means nothing for other bytes", async () => {
  const scene = makeScene({ a: lines });
  await scene.stage({ kind: "write", path: "a", content: lines.replace("5", "4.5\n5") });
  const shown = await scene.staging.diffSession(scene.session, { context: 0 });
  scene.staging.discard(scene.session, {});
  await scene.stage(diff(shown.diff));
  expect(sessionToWire(scene.store, scene.session).digest).toBe(shown.digest);
  scene.staging.discard(scene.session, {});
  scene.write("a", `0\n${lines}`);
  await expect(scene.stage(diff(shown.diff))).rejects.toMatchObject({ kind: "MatchAmbiguous" });
});

test("one name is one blob: a diff that was uploaded", async () => {
  const scene = makeScene({ a: lines });
  const bytes = Buffer.from("--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n 1\n-2\n+x\n");
  const [blob] = await scene.store.blobs.putAll([bytes]);
  await scene.stage({ kind: "unifiedDiff", blob: blob as string });
  expect(await scene.read("a")).toBe(lines.replace("2", "x"));
  const none: Change = { kind: "unifiedDiff", blob: "0".repeat(64) };
  await expect(scene.stage(none)).rejects.toMatchObject({ kind: "BlobNotFound" });
});
