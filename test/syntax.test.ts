/**
 * Syntax before writing, on the real daemon: what is refused at apply and what is not, and that a parser which crashes
 * or hangs harms nobody.
 */
import { expect, onTestFinished, test } from "vitest";
import type { SessionHandle } from "../client/session.ts";
import { createStaging } from "../daemon/staging/index.ts";
import type { SessionRow, Store } from "../daemon/store/index.ts";
import { openScene, type Scene, sharedStage } from "./acceptance/scene.ts";
import { makeScene } from "./staging-scene.ts";

const stage = sharedStage();

const CLEAN = "export function add(a: number, b: number) {\n  return a + b;\n}\n";
const BROKEN = "export function add(a: number, b: number) {\n  return a + b;\n";

const open = (files: Record<string, string> = {}): Promise<Scene> =>
  openScene({ files: { "README.md": "A repository.\n", ...files }, on: stage() });

async function stageIn(
  { reviewer, workspace }: Scene,
  files: Record<string, string | Buffer>,
): Promise<SessionHandle> {
  const session = await reviewer.openSession({ workspace });
  await session.stage(
    Object.entries(files).map(([path, content]) => ({ kind: "write" as const, path, content })),
  );
  return session;
}

const apply = async (session: SessionHandle, options = {}) =>
  session.apply((await session.diff()).digest ?? "", options);

/** Status and severities by path, once all has been looked at. */
async function syntaxOf(session: SessionHandle): Promise<Record<string, string>> {
  await session.check();
  const { patches } = await session.get();
  return Object.fromEntries(
    patches.map(({ path, syntax }) => {
      const found = syntax?.diagnostics.map(({ severity, check }) => `${severity} ${check}`) ?? [];
      return [path, [syntax?.status ?? "none", ...new Set(found)].join(", ")];
    }),
  );
}

const syntaxIn = ({ patches }: Store, { id }: SessionRow) =>
  patches.ofSession(id, "Pending")[0]?.findings.syntax?.status;

/** A busy machine may take longer than a check waits. */
async function expectSyntax(session: SessionHandle, expected: Record<string, string>): Promise<void> {
  await expect.poll(() => syntaxOf(session), { timeout: 25_000 }).toEqual(expected);
}

test("an edit that breaks a file is told at staging and at the check, and refused at apply unless allowed", async () => {
  await using scene = await open({ "src/add.ts": CLEAN, "src/other.ts": CLEAN });
  const before = scene.tree();
  const session = await stageIn(scene, { "src/add.ts": BROKEN, "src/other.ts": `// add\n${CLEAN}` });
  await expectSyntax(session, { "src/add.ts": "invalid, error syntax", "src/other.ts": "ok" });
  const place = { path: "src/add.ts", line: 3, column: 1, message: "Expected `}` but found `EOF`" };
  const dry = await session.check();
  expect(dry.wouldApply).toBe(false);
  expect(dry.problems).toMatchObject([{ kind: "SyntaxInvalid", path: "src/add.ts", files: [place] }]);
  await expect(apply(session)).rejects.toMatchObject({
    kind: "SyntaxInvalid",
    code: 1036,
    message: "src/add.ts would not parse, at line 3, column 1: Expected `}` but found `EOF`",
    data: { path: "src/add.ts", files: [place] },
  });
  expect(scene.tree()).toEqual(before);
  // Looked at before, it is known at once.
  const again = await stageIn(scene, { "src/add.ts": BROKEN });
  const restaged = await again.stage([{ kind: "chmod", path: "src/add.ts", mode: 0o755 }]);
  expect(restaged.patches[0]?.syntax?.status).toBe("invalid");
  expect(restaged.warnings).toEqual([expect.stringMatching(/^src\/add\.ts:3:1: .*refused.*Expected/)]);

  const { operation } = await apply(session, { allowInvalidSyntax: true });
  expect(operation.state).toBe("committed");
  expect(scene.read("src/add.ts")).toBe(BROKEN);
});

test.each([
  ["a name that is declared twice", "const a = 1;\nconst a = 2;\n"],
  ["an import that a merge has left twice", 'import a from "a";\nimport a from "a";\na();\n'],
  ["a field that is not there", "export class A {\n  get b() {\n    return this.#b;\n  }\n}\n"],
])("%s parses, and no engine would load it", async (_, content) => {
  await using scene = await open({ "a.js": "export const b = 1;\n" });
  await expectSyntax(await stageIn(scene, { "a.js": content }), { "a.js": "invalid, error syntax" });
  const unfinished = "export class A {\n  abstract b(): void;\n  c(): void;\n}\n";
  await expectSyntax(await stageIn(scene, { "b.ts": unfinished }), { "b.ts": "ok" });
});

test("what was found of a patch is known when the parser's reports are gone", async () => {
  const { stage, staging, session, store, tree } = makeScene({ "a.ts": CLEAN });
  await stage({ kind: "write", path: "a.ts", content: BROKEN });
  await expect.poll(() => staging.checkSyntax(session).then(() => syntaxIn(store, session))).toBe("invalid");
  const another = createStaging({ store });
  onTestFinished(() => another.close());
  expect((await another.examine(session, tree)).invalid).toMatchObject([{ path: "a.ts", line: 3 }]);
});

test("of several files that would not parse all are named, and the others apply by their ids", async () => {
  await using scene = await open({ "a.ts": CLEAN, "b.py": "x = 1\n", "c.json": "{}\n" });
  const session = await stageIn(scene, { "a.ts": BROKEN, "b.py": "x = (1\n", "c.json": "[]\n" });
  await expect(apply(session)).rejects.toMatchObject({
    kind: "SyntaxInvalid",
    data: {
      files: [
        { path: "a.ts", line: 3 },
        { path: "b.py", line: 1 },
      ],
    },
  });
  const { patches } = await session.get();
  const [json] = patches.filter(({ path }) => path === "c.json");
  const { reviewer } = scene;
  const applied = await reviewer.call("patch/apply", { patch: json?.id ?? "" });
  expect(applied.operation.state).toBe("committed");
  expect(scene.read("c.json")).toBe("[]\n");
});

test("a file that did not parse before stays editable, and is called invalid with a warning", async () => {
  await using scene = await open({ "src/add.ts": BROKEN });
  const session = await stageIn(scene, { "src/add.ts": `// still broken\n${BROKEN}` });
  await expectSyntax(session, { "src/add.ts": "invalid, warning syntax" });
  expect((await apply(session)).operation.state).toBe("committed");
});

test("a new file is refused in a language whose parser is never wrong, else warned of and unknown", async () => {
  await using scene = await open();
  const session = await stageIn(scene, {
    "new.ts": BROKEN,
    "new.py": "def f():\nreturn 1\n",
    "new.rs": "fn main() {\n",
    "fine.rs": "fn main() {}\n",
    "settings.json": "// read with comments somewhere\n{}\n",
  });
  await expectSyntax(session, {
    "fine.rs": "ok",
    "new.py": "invalid, error syntax",
    "new.rs": "unknown, warning syntax",
    "new.ts": "invalid, error syntax",
    "settings.json": "unknown, warning syntax",
  });
  const { problems } = await session.check();
  expect(problems.map(({ path }) => path)).toEqual(["new.py", "new.ts"]);
});

test("what nobody can look at is unknown and applies; what brings no new content has no syntax", async () => {
  await using scene = await open({ "gone.ts": CLEAN, "moved.ts": CLEAN, "run.ts": CLEAN });
  const session = await stageIn(scene, {
    "notes.txt": "(((\n",
    "latin1.ts": Buffer.from("const caf\xe9 = (1;\n", "latin1"),
    "image.ts": Buffer.from([0, 1, 2]),
    "large.ts": `${"(".repeat(2 ** 20)}\n`,
    "empty.ts": "",
  });
  await session.stage([
    { kind: "delete", path: "gone.ts" },
    { kind: "rename", path: "moved.ts", to: "renamed.ts" },
    { kind: "chmod", path: "run.ts", mode: 0o755 },
    { kind: "symlink", path: "link.ts", target: "run.ts" },
  ]);
  await expectSyntax(session, {
    "notes.txt": "unknown",
    "latin1.ts": "unknown",
    "image.ts": "unknown",
    "large.ts": "unknown",
    "empty.ts": "ok",
    "gone.ts": "none",
    "renamed.ts": "none",
    "run.ts": "none",
    "link.ts": "none",
  });
  expect((await apply(session, { confirmFullReplace: true })).operation.state).toBe("committed");
});

test("what agents and merges leave behind is refused in code and told in text", async () => {
  const conflict = "<<<<<<< HEAD\nconst a = 1;\n=======\nconst a = 2;\n>>>>>>> theirs\n";
  const body = Array.from({ length: 30 }, (_, n) => `const x${n} = ${n};\n`);
  await using scene = await open({
    "merged.js": "",
    "fenced.js": "",
    "notes.md": "",
    "cut.js": body.join(""),
  });
  const session = await stageIn(scene, {
    "merged.js": conflict,
    "fenced.js": "```js\nconst a = 1;\n```\n",
    "notes.md": `# Notes\n\n\`\`\`\ncode\n\`\`\`\n${conflict}`,
    "cut.js": body.slice(0, 5).join(""),
    "elided.py": "import os\n# ... rest of the code remains unchanged ...\n",
  });
  await expectSyntax(session, {
    "merged.js": "invalid, error conflict-markers, error syntax",
    "fenced.js": "invalid, error fence",
    "notes.md": "unknown, warning conflict-markers",
    "cut.js": "ok, warning shrinking",
    "elided.py": "ok, warning elision",
  });
  const { problems } = await session.check();
  expect(problems.map(({ path }) => path)).toEqual(["fenced.js", "merged.js"]);
});

test("contents that crash parsers, or nest deeper than any, harm nothing: the next file is looked at", async () => {
  await using scene = await open();
  const deep = ["(", "[", "{", "!", "if(1)", "a+", "<div>", "- ", "[["];
  const names = ["js", "ts", "tsx", "vue", "json", "jsonc", "yaml", "toml", "py", "rs", "html"];
  const hostile = deep.flatMap((piece, n) =>
    names.map((name) => [`${n}.${name}`, piece.repeat(40_960 / piece.length)] as const),
  );
  const session = await stageIn(scene, Object.fromEntries(hostile));
  await scene.reviewer.call("daemon/status", {});
  const statuses = Object.entries(await syntaxOf(session));
  // Any text is HTML, and a scalar of YAML.
  const strict = statuses.filter(([path]) => !/\.(html|vue|yaml)$/.test(path));
  expect(strict.filter(([, status]) => status === "ok")).toEqual([]);
  const next = await stageIn(scene, { "next.ts": CLEAN, "next.py": "x = 1\n" });
  await expectSyntax(next, { "next.ts": "ok", "next.py": "ok" });
});

const parserPid = async ({ reviewer }: Scene): Promise<number> =>
  (await reviewer.call("daemon/status", {})).parserPid ?? expect.unreachable("There is no parser.");

test("a parser that is killed is started again", async () => {
  await using scene = await open();
  const pids = new Set<number>();
  for (let n = 0; n < 5; n += 1) {
    const session = await stageIn(scene, { [`file${n}.ts`]: `${CLEAN}// ${n}\n` });
    await expectSyntax(session, { [`file${n}.ts`]: "ok" });
    const pid = await parserPid(scene);
    pids.add(pid);
    process.kill(pid, "SIGKILL");
  }
  expect(pids.size).toBe(5);
});

test("a parser that hangs is replaced: its content is unknown until somebody asks again", async () => {
  await using scene = await open({ "a.ts": CLEAN });
  await expectSyntax(await stageIn(scene, { "a.ts": `${CLEAN}// first\n` }), { "a.ts": "ok" });
  const hung = await parserPid(scene);
  process.kill(hung, "SIGSTOP");
  const session = await stageIn(scene, { "a.ts": `// hung\n${BROKEN}` });
  expect((await session.check()).wouldApply).toBe(true);
  expect((await session.get()).patches[0]?.syntax).toMatchObject({ status: "unknown", diagnostics: [] });
  await expectSyntax(session, { "a.ts": "invalid, error syntax" });
  expect(await parserPid(scene)).not.toBe(hung);
  await expect(apply(session)).rejects.toMatchObject({ kind: "SyntaxInvalid" });
});
