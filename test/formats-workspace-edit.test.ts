/** workspaceEdit: what language servers send is taken as LSP means it; what proves nothing, or needs a person, is said. */
import { createHash } from "node:crypto";
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ChangeOf } from "../protocol/methods/index.ts";
import { stagedTree } from "./formats/staged-tree.ts";
import { makeScene, type Scene } from "./staging-scene.ts";

type Edit = ChangeOf<"workspaceEdit">["edit"];
type Rest = Partial<Omit<ChangeOf<"workspaceEdit">, "kind" | "edit">>;

const at = (line: number, character: number, endLine = line, endCharacter = character) => ({
  start: { line, character },
  end: { line: endLine, character: endCharacter },
});
const FILES = {
  a: "one\ntwo\nthree\n",
  crlf: "one\r\ntwo\r\n",
  mixed: "one\r\ntwo\n",
  bom: "\ufeffone\ntwo\n",
  wide: "a😀b\nü\n",
  latin: Buffer.from("caf\xe9\n", "latin1"),
  "d/x": "x\n",
  "d/y/z": "z\n",
  "sp ä#": "s\n",
};

interface Stage {
  readonly scene: Scene;
  uri(name: string): string;
  stage(edit: Edit, rest?: Rest): ReturnType<Scene["stage"]>;
}

function open(): Stage {
  const scene = makeScene(FILES);
  return {
    scene,
    uri: (name) => pathToFileURL(path.join(scene.root, name)).href,
    stage: (edit, rest = {}) => scene.stage({ kind: "workspaceEdit", edit, ...rest }),
  };
}

describe("text", () => {
  test.each<[string, string, { range: ReturnType<typeof at>; newText: string }[], string]>([
    ["a word", "a", [{ range: at(1, 0, 1, 3), newText: "2" }], "one\n2\nthree\n"],
    [
      "several, in any order, about one text",
      "a",
      [
        { range: at(2, 0, 2, 5), newText: "3" },
        { range: at(0, 0, 1, 0), newText: "1\n" },
      ],
      "1\ntwo\n3\n",
    ],
    [
      "insertions at one place, in their order, then a replacement",
      "a",
      [
        { range: at(1, 0), newText: "x" },
        { range: at(1, 0), newText: "y" },
        { range: at(1, 0, 1, 3), newText: "z" },
      ],
      "one\nxyz\nthree\n",
    ],
    [
      "a character behind the line's end is its end",
      "a",
      [{ range: at(0, 99), newText: "!" }],
      "one!\ntwo\nthree\n",
    ],
    ["the whole, to a line that is not there", "a", [{ range: at(0, 0, 99, 0), newText: "new" }], "new"],
    ["at the end", "a", [{ range: at(3, 0), newText: "four\n" }], "one\ntwo\nthree\nfour\n"],
    ["CRLF is kept", "crlf", [{ range: at(0, 3, 1, 0), newText: "\nmore\n" }], "one\r\nmore\r\ntwo\r\n"],
    [
      "where lines end differently, it is as sent",
      "mixed",
      [{ range: at(1, 0), newText: "x\n" }],
      "one\r\nx\ntwo\n",
    ],
    [
      "a byte order mark does not count, and stays",
      "bom",
      [{ range: at(0, 0, 0, 3), newText: "1" }],
      "\ufeff1\ntwo\n",
    ],
    ["UTF-16 code units", "wide", [{ range: at(0, 3, 0, 4), newText: "c" }], "a😀c\nü\n"],
    ["a name that is encoded", "sp ä#", [{ range: at(0, 0, 0, 1), newText: "t" }], "t\n"],
  ])("%s", async (_, name, edits, expected) => {
    const { scene, uri, stage } = open();
    await stage({ changes: { [uri(name)]: edits } });
    expect((await stagedTree(scene))[name]).toBe(`false ${Buffer.from(expected).toString("latin1")}`);
  });

  test("documentChanges count, changes beside them do not", async () => {
    const { scene, uri, stage } = open();
    const [patch] = await stage({
      changes: { [uri("crlf")]: [{ range: at(0, 0), newText: "x" }] },
      documentChanges: [
        { textDocument: { uri: uri("a"), version: null }, edits: [{ range: at(0, 0), newText: "x" }] },
        { textDocument: { uri: uri("a"), version: null }, edits: [{ range: at(0, 0), newText: "y" }] },
      ],
    });
    expect(scene.pending().map(({ path }) => path)).toEqual(["a"]);
    expect(await scene.read("a")).toBe("xyone\ntwo\nthree\n");
    expect(patch?.findings.match).toEqual([
      { line: 1, exactness: "position" },
      { line: 1, exactness: "position" },
    ]);
  });

  test("a hash proves the text that is meant, a version does not", async () => {
    const { scene, uri, stage } = open();
    const hash = createHash("sha256").update(FILES.a).digest("hex");
    const edit: Edit = {
      documentChanges: [
        { textDocument: { uri: uri("a"), version: 7 }, edits: [{ range: at(0, 0), newText: "x" }] },
      ],
    };
    const [proven] = await stage(edit, { baseHashes: { a: hash } });
    expect(proven?.findings.match).toEqual([{ line: 1, exactness: "exact" }]);
    await expect(stage(edit, { baseHash: hash }), "it has changed since").rejects.toMatchObject({
      kind: "Stale",
    });
    const { warnings } = await scene.staging.stage(scene.session, scene.tree, {
      changes: [{ kind: "workspaceEdit", edit }],
      ownsBlob: () => true,
    });
    expect(warnings).toEqual([expect.stringContaining("version 7")]);
  });

  test("equals what is done by hand, whatever the edits", async () => {
    const { scene, uri, stage } = open();
    const text = fc.string({ unit: fc.constantFrom("a", "b", "\n", "😀", "ü"), maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.array(fc.tuple(fc.nat(40), fc.nat(5), text), { maxLength: 4 }),
        async (old, wanted) => {
          let end = 0;
          const cuts = wanted
            .map(([from, length, newText]) => ({ from, to: from + length, newText }))
            .sort((a, b) => a.from - b.from)
            .filter(({ from, to }) => {
              const isApart = from >= end && to <= old.length && !splits(old, from) && !splits(old, to);
              if (isApart) end = to + 1;
              return isApart;
            });
          const expected = cuts.reduceRight(
            (made, { from, to, newText }) => made.slice(0, from) + newText + made.slice(to),
            old,
          );
          scene.staging.discard(scene.session, { purge: true });
          await scene.stage({ kind: "write", path: "p", content: old });
          await stage({
            changes: {
              [uri("p")]: cuts.map(({ from, to, newText }) => {
                const [start, end] = [positionIn(old, from), positionIn(old, to)];
                return { range: { start, end }, newText };
              }),
            },
          });
          expect(await scene.read("p")).toBe(expected);
        },
      ),
      { numRuns: 100 },
    );
  });
});

function splits(text: string, at: number): boolean {
  return !text.slice(0, at).isWellFormed();
}

function positionIn(text: string, offset: number): { line: number; character: number } {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
}

describe("files", () => {
  test("created, edited, renamed with a folder, deleted, in this order", async () => {
    const { scene, uri, stage } = open();
    await stage({
      documentChanges: [
        { kind: "create", uri: uri("d/new") },
        { textDocument: { uri: uri("d/new") }, edits: [{ range: at(0, 0), newText: "n\n" }] },
        { textDocument: { uri: uri("d/x") }, edits: [{ range: at(0, 0, 0, 1), newText: "X" }] },
        { kind: "rename", oldUri: uri("d"), newUri: uri("e") },
        { textDocument: { uri: uri("e/new") }, edits: [{ range: at(0, 1), newText: "!" }] },
        { kind: "delete", uri: uri("crlf") },
      ],
    });
    const tree = await stagedTree(scene);
    expect(tree).toMatchObject({ "e/new": "false n!\n", "e/x": "false X\n", "e/y/z": "false z\n" });
    expect(Object.keys(tree)).not.toContain("d/x");
    expect(Object.keys(tree)).not.toContain("crlf");
    expect(scene.pending().find(({ path }) => path === "e/y/z")).toMatchObject({
      kind: "rename",
      from: "d/y/z",
    });
  });

  test("the options: overwrite before ignoreIfExists, recursive, ignoreIfNotExists", async () => {
    const { scene, uri, stage } = open();
    await stage({
      documentChanges: [
        { kind: "create", uri: uri("a"), options: { ignoreIfExists: true } },
        { kind: "create", uri: uri("crlf"), options: { overwrite: true, ignoreIfExists: true } },
        { kind: "rename", oldUri: uri("bom"), newUri: uri("mixed"), options: { overwrite: true } },
        { kind: "rename", oldUri: uri("wide"), newUri: uri("a"), options: { ignoreIfExists: true } },
        { kind: "delete", uri: uri("d"), options: { recursive: true } },
        { kind: "delete", uri: uri("none"), options: { ignoreIfNotExists: true } },
      ],
    });
    const tree = await stagedTree(scene);
    expect(Object.keys(tree).sort()).toEqual(["a", "crlf", "latin", "mixed", "sp ä#", "wide"]);
    expect(tree).toMatchObject({ a: "false one\ntwo\nthree\n", crlf: "false " });
    expect(tree["mixed"]).toContain("one\ntwo\n");
  });

  test("what wants to be confirmed is told in the note", async () => {
    const { uri, stage } = open();
    const [a, b] = await stage(
      {
        documentChanges: [
          {
            textDocument: { uri: uri("a") },
            edits: [{ range: at(0, 0), newText: "x", annotationId: "risky" }],
          },
          { kind: "delete", uri: uri("crlf"), annotationId: "safe" },
        ],
        changeAnnotations: {
          risky: { label: "Rename", needsConfirmation: true, description: "in a comment" },
          safe: { label: "Delete" },
        },
      },
      { note: "by hand" },
    );
    expect(a?.note).toBe("by hand; wants to be confirmed: Rename (in a comment)");
    expect(b?.note).toBe("by hand");
  });
});

describe("refused", () => {
  const edit = (range: ReturnType<typeof at>) => [{ range, newText: "x" }];
  const op = (step: NonNullable<Edit["documentChanges"]>[number]): Edit => ({ documentChanges: [step] });

  test.each<[string, (uri: (name: string) => string) => Edit, string, Rest?]>([
    ["nothing", () => ({}), "PatchMalformed"],
    [
      "overlapping edits",
      (uri) => ({ changes: { [uri("a")]: [...edit(at(0, 0, 1, 0)), ...edit(at(0, 1))] } }),
      "PatchMalformed",
    ],
    [
      "an insertion behind a replacement of its place",
      (uri) => ({ changes: { [uri("a")]: [...edit(at(0, 0, 0, 1)), ...edit(at(0, 0))] } }),
      "PatchMalformed",
    ],
    ["a range turned around", (uri) => ({ changes: { [uri("a")]: edit(at(1, 0, 0, 0)) } }), "MatchNotFound"],
    ["a line that is not there", (uri) => ({ changes: { [uri("a")]: edit(at(9, 0)) } }), "MatchNotFound"],
    ["half a character", (uri) => ({ changes: { [uri("wide")]: edit(at(0, 2)) } }), "MatchNotFound"],
    [
      "half a character that comes",
      (uri) => ({ changes: { [uri("a")]: [{ range: at(0, 0), newText: "\ud83d" }] } }),
      "InvalidParams",
    ],
    ["a text that is not UTF-8", (uri) => ({ changes: { [uri("latin")]: edit(at(0, 0)) } }), "MatchNotFound"],
    [
      "a snippet",
      (uri) => ({
        changes: { [uri("a")]: [{ range: at(0, 0), snippet: { kind: "snippet", value: "$1" } }] },
      }),
      "PatchMalformed",
    ],
    [
      "two versions of one document",
      (uri) => ({
        documentChanges: [
          { textDocument: { uri: uri("a"), version: 1 }, edits: edit(at(0, 0)) },
          { textDocument: { uri: uri("a"), version: 2 }, edits: edit(at(0, 0)) },
        ],
      }),
      "PatchMalformed",
    ],
    [
      "an unknown annotation",
      (uri) => ({ changes: { [uri("a")]: [{ range: at(0, 0), newText: "x", annotationId: "none" }] } }),
      "PatchMalformed",
    ],
    [
      "a document that is not there",
      (uri) => ({ changes: { [uri("none")]: edit(at(0, 0)) } }),
      "FileNotFound",
    ],
    ["a directory as document", (uri) => ({ changes: { [uri("d")]: edit(at(0, 0)) } }), "NotAFile"],
    ["creating what is there", (uri) => op({ kind: "create", uri: uri("a") }), "FileExists"],
    [
      "creating over a directory",
      (uri) => op({ kind: "create", uri: uri("d"), options: { overwrite: true } }),
      "NotAFile",
    ],
    [
      "creating over a file with other names",
      (uri) => op({ kind: "create", uri: uri("hard"), options: { overwrite: true } }),
      "HardLinked",
    ],
    [
      "renaming onto what is there",
      (uri) => op({ kind: "rename", oldUri: uri("a"), newUri: uri("crlf") }),
      "FileExists",
    ],
    [
      "renaming what is not there",
      (uri) => op({ kind: "rename", oldUri: uri("none"), newUri: uri("n") }),
      "FileNotFound",
    ],
    ["deleting what is not there", (uri) => op({ kind: "delete", uri: uri("none") }), "FileNotFound"],
    ["deleting a directory without recursive", (uri) => op({ kind: "delete", uri: uri("d") }), "NotAFile"],
    [
      "deleting a directory with a repository in it",
      (uri) => op({ kind: "delete", uri: uri("sub"), options: { recursive: true } }),
      "PathProtected",
    ],
    ["outside", (uri) => op({ kind: "create", uri: `${uri("a")}/../../x` }), "PathEscape"],
    [
      "the root itself",
      (uri) => op({ kind: "delete", uri: uri(""), options: { recursive: true } }),
      "PathEscape",
    ],
    ["through a link that leads out", (uri) => op({ kind: "create", uri: uri("out/x") }), "PathEscape"],
    ["git's own", (uri) => op({ kind: "create", uri: uri(".git/x") }), "PathProtected"],
    ["another scheme", () => op({ kind: "create", uri: "untitled:x" }), "InvalidParams"],
    ["another host", () => op({ kind: "create", uri: "file://host/x" }), "InvalidParams"],
    ["an encoded slash", (uri) => op({ kind: "create", uri: `${uri("a")}%2Fx` }), "InvalidParams"],
    ["no URI", () => op({ kind: "create", uri: "a" }), "InvalidParams"],
    [
      "a hash of no document",
      (uri) => ({ changes: { [uri("a")]: edit(at(0, 0)) } }),
      "InvalidParams",
      { baseHashes: { b: "0".repeat(64) } },
    ],
    [
      "a hash of other bytes",
      (uri) => ({ changes: { [uri("a")]: edit(at(0, 0)) } }),
      "Stale",
      { baseHashes: { a: "0".repeat(64) } },
    ],
    [
      "one hash for two documents",
      (uri) => ({ changes: { [uri("a")]: edit(at(0, 0)), [uri("crlf")]: edit(at(0, 0)) } }),
      "InvalidParams",
      { baseHash: "0".repeat(64) },
    ],
  ])("%s", async (_, make, kind, rest) => {
    const { scene, uri, stage } = open();
    symlinkSync("/tmp", path.join(scene.root, "out"));
    scene.write("hard", "h");
    linkSync(path.join(scene.root, "hard"), path.join(scene.root, "hard 2"));
    mkdirSync(path.join(scene.root, "sub/.git"), { recursive: true });
    writeFileSync(path.join(scene.root, "sub/.git/config"), "");
    const trailing = (name: string) => uri(name).replace(/\/$/, "");
    await expect(stage(make(trailing), rest)).rejects.toMatchObject({ kind, data: { index: 0 } });
    expect(scene.pending()).toEqual([]);
  });
});
