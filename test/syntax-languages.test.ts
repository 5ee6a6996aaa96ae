/**
 * Every language's parser: that it loads (a grammar that does not fails silently otherwise), takes what is valid, and
 * says where what is not begins to be wrong. And which paths are in which language.
 */
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { readGrammar } from "../daemon/staging/syntax/grammar-file.ts";
import { languageOf } from "../daemon/staging/syntax/language.ts";
import { look } from "../daemon/staging/syntax/look.ts";
import { GRAMMARS } from "../scripts/grammars/table.ts";

/** By file name: what is valid, and what is not with the place from which it is not. */
const SAMPLES: Readonly<Record<string, readonly [valid: string, broken: string, line: number]>> = {
  "a.js": ["import a from 'a';\nconst b = <p>{a}</p>;\n", "const a = 1;\nconst b = (2;\n", 2],
  "a.mjs": ["export const a = await b;\n", "import a from 'a';\n\nconst b = ;\n", 3],
  "a.cjs": ["if (!x) return;\nmodule.exports = x;\n", "function f() {\n", 2],
  "a.ts": ["enum A { B }\nlet c = <A>d;\n", "let a: = 1;\n", 1],
  "a.tsx": ["const a = <T,>(b: T) => <p>{b}</p>;\n", "const a = <p>;\n", 1],
  "a.d.ts": ["export const a: number;\n", "export const a: ;\n", 1],
  "a.json": ['{"a": [1, 2]}\n', '{\n  "a": 1,\n}\n', 3],
  "a.jsonc": ['// a\n{"a": [1,],}\n', '{\n  "a": [1\n}\n', 3],
  "a.yaml": ["a: !Ref b\n---\n- c\n- d: [1]\n", "a: 1\n b: 2\n", 1],
  "a.toml": ["[a]\nb = 1\n", "[a]\nb = \n", 2],
  "a.vue": [
    '<template><p v-if="a"/></template>\n<script setup lang="ts">\nlet a: number;\n</script>\n',
    '<template><p/></template>\n<script lang="ts">\nlet a: number = (1;\n</script>\n',
    3,
  ],
  "a.py": ["match a:\n    case 1:\n        print(f'{a}')\n", "def f():\n    a = 1\n  b = 2\n", 3],
  "a.go": ["package a\n\nfunc b[T any](c T) T { return c }\n", "package a\n\nfunc b() {\n", 3],
  "a.java": ["record A(int b) {}\n", "class A {\n  int b = ;\n}\n", 2],
  "a.rb": ["def a(b:) = b\n", "def a\n  [1\nend\n", 1],
  "a.php": ["<p><?php echo fn($a) => $a; ?></p>\n", "<?php\nfunction a() {\n", 2],
  "a.lua": ["local a <const> = 1\n", "if a then\n", 1],
  "a.rs": ["fn a<'b>(c: &'b str) -> impl Fn() { || () }\n", "fn a() {\n  let b = ;\n}\n", 2],
  "a.c": ["int main(void) { return 0; }\n", "int main(void) {\n", 1],
  "a.hpp": ["template <class A> struct B { A c; };\n", "struct B {\n", 1],
  "a.cs": ["class A { int B => 1; }\n", "class A {\n  int B = ;\n}\n", 2],
  "a.sh": ['#!/bin/sh\nif [ -n "$a" ]; then echo; fi\n', "if true; then\n", 1],
  "a.css": ["a:hover { b: c; }\n", "a { b: c;\n", 1],
  "a.html": ["<p>a</p>\n", "<p a='>\n", 1],
  "a.scala": ["object A { def b = 1 }\n", "object A {\n", 2],
  "a.hs": ["a :: Int\na = 1\n", "a = (1\n", 1],
  "a.jl": ["f(x) = x + 1\n", "function f(x)\n", 1],
  "a.ml": ["let a = 1\n", "let a = (1\n", 1],
  "a.mli": ["val a : int\n", "val a : \n", 1],
  "a.kt": ["fun a(): Int = 1\n", "fun a() {\n", 1],
  "a.zig": ["const a: u8 = 1;\n", "const a: u8 = ;\n", 1],
};

const languageName = (name: string): string => languageOf(name)?.name ?? "none";

test.each(Object.entries(SAMPLES))(
  "%s: valid is clean, invalid is told with its line",
  async (name, sample) => {
    const [valid, broken, line] = sample;
    const language = languageName(name);
    expect(await look(Buffer.from(valid), language)).toMatchObject({ parsed: "clean", errors: [] });
    expect(await look(Buffer.from(`\ufeff${valid.replaceAll("\n", "\r\n")}`), language)).toMatchObject({
      parsed: "clean",
    });
    const report = await look(Buffer.from(broken), language);
    expect(report.parsed).toBe("broken");
    expect(report.errors[0]).toMatchObject({ line, check: "syntax" });
  },
);

test("every grammar is the package's own, has its sample above, and nothing else lies beside them", async () => {
  const folder = path.resolve(import.meta.dirname, "../daemon/staging/syntax/grammars");
  const names = GRAMMARS.map(({ name }) => name);
  expect(readdirSync(folder).sort()).toEqual(
    ["LICENSES.txt", ...names.map((name) => `${name}.wasm.br`)].sort(),
  );
  for (const { name, sha256 } of GRAMMARS)
    expect(
      createHash("sha256")
        .update(await readGrammar(name))
        .digest("hex"),
      name,
    ).toBe(sha256);
  expect(Object.keys(SAMPLES).map(languageName)).toEqual(expect.arrayContaining(names));
});

test.each([
  ["src/App.TSX", "tsx"],
  ["lib/index.d.mts", "declarations"],
  ["a.d.b.ts", "typescript"],
  ["tsconfig.json", "jsonc"],
  ["packages/a/tsconfig.build.json", "jsonc"],
  [".vscode/settings.json", "jsonc"],
  ["vscode/settings.json", "json"],
  ["package.json", "json"],
  ["Cargo.lock", "toml"],
  ["Gemfile", "ruby"],
  [".bashrc", "bash"],
  ["include/a.h", "cpp"],
  ["Makefile", "none"],
  ["README.md", "none"],
  ["ts", "none"],
  [".ts", "typescript"],
  ["constructor", "none"],
])("%s is %s", (name, language) => {
  expect(languageName(name)).toBe(language);
});

test("a bundle's written-out line ends are its strings'; those of code that is one line, or one comment, are not", async () => {
  const checks = async (text: string): Promise<string[]> =>
    (await look(Buffer.from(text), "javascript")).errors.map(({ check }) => check);
  const bundle = `${Array.from({ length: 9 }, (_, n) => `f("a\\n${n}")`).join(";")};\n`;
  const code = Array.from({ length: 9 }, (_, n) => `const a${n} = ${n};`).join("\\n");
  expect(await checks(bundle)).toEqual([]);
  expect(await checks(`// the licence\n${bundle}`)).toEqual([]);
  expect(await checks(code)).toContain("escaped-newlines");
  expect(await checks(`// what it is\\n${code}`)).toEqual(["escaped-newlines"]);
});

test.each([
  ["src/a.ts", true],
  ["node_modules/a/index.d.cts", false],
  ["packages/a/node_modules/@b/c/package.json", false],
  ["node_modules.ts", true],
  [".babelrc", false],
])("a new %s is held to its parser: %s", (name, sure) => {
  expect(languageOf(name)?.sure).toBe(sure);
});

test.each([
  ["a.py", "if a:\n\tb = 1\n        c = 2\n", "clean", "tabs are Python's own affair"],
  ["a.py", "class A:\n    # only this\nb = 1\n", "broken", "a comment is no statement"],
  ["a.py", "a = 1; b = 2\nif a: b; a\n", "clean", "statements on one line"],
  ["a.py", "a = 1\n    b = 2\n", "broken", "indented for no reason"],
  ["a.py", "if a:\n    b = 1\n  else:\n    b = 2\n", "broken", "a clause that is not where its statement is"],
  ["a.py", "@a\n  @b\ndef f(): pass\n", "broken", "a decorator that is not where the first is"],
  ["a.py", "x = (a if b\n  else c)\n", "clean", "an else that is no clause"],
  ["a.py", "try: a\nexcept b: c\nelse: d\nfinally: e\n", "clean", "clauses of one line each"],
  ["a.sh", "#!/usr/bin/env zsh\nfor a (b) echo\n", "unknown", "another shell"],
  ["a.yaml", "a: 1\na: 2\n", "clean", "a key twice is a warning"],
  ["a.js", "// @flow\nconst a: number = 1;\n", "broken", "Flow, a dialect"],
  ["a.jsonc", "", "clean", "empty"],
])("%s %j is %s (%s)", async (name, text, parsed) => {
  expect((await look(Buffer.from(text), languageName(name))).parsed).toBe(parsed);
});
