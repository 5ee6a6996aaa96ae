/** `iopipectl hook claude`: Claude Code's documented hook inputs end in staging, and the answers are as it documents them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { openScene, type Scene, type SceneOptions } from "./acceptance/scene.ts";
import { CTL_COMMAND, iopipectl } from "./fixture/cli.ts";
import { runInProcess } from "./fixture/in-process.ts";
import { testHome } from "./fixture/server.ts";

const SESSION_ID = "00893aaf-19fa-41d2-8238-13269b9b3ca0";

/**
 * What Claude Code reads of a PreToolUse hook's stdout.
 * Source: code.claude.com/docs/en/hooks, "JSON output" and "PreToolUse decision control".
 */
const ANSWER = new Ajv2020().compile({
  type: "object",
  properties: {
    continue: { type: "boolean" },
    stopReason: { type: "string" },
    suppressOutput: { type: "boolean" },
    systemMessage: { type: "string" },
    hookSpecificOutput: {
      type: "object",
      properties: {
        hookEventName: { const: "PreToolUse" },
        permissionDecision: { enum: ["allow", "deny", "ask", "defer"] },
        permissionDecisionReason: { type: "string" },
        updatedInput: { type: "object" },
        additionalContext: { type: "string" },
      },
      required: ["hookEventName"],
      additionalProperties: false,
    },
  },
  additionalProperties: false,
});

// biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of every shape.
type Answer = any;

/** A repository that is open, and Claude Code in it. */
async function claudeIn(options: SceneOptions = {}) {
  const scene = await openScene(options);
  const tmp = path.join(scene.home.directory, "tmp");
  mkdirSync(tmp);
  return {
    ...scene,
    scene,
    /** Asks the hook about a tool's call as documented; gives its answer, undefined where it printed nothing. */
    ask: (
      tool: string,
      input: object,
      more: object = {},
      env: Record<string, string> = {},
    ): Promise<Answer> =>
      askHook(
        scene,
        JSON.stringify({ ...documented(scene.root), tool_name: tool, tool_input: input, ...more }),
        {
          TMPDIR: tmp,
          ...env,
        },
      ),
    [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose](),
  };
}

/** The common input fields, and those of PreToolUse. */
function documented(cwd: string) {
  return {
    session_id: SESSION_ID,
    transcript_path: `/home/you/.claude/projects/x/${SESSION_ID}.jsonl`,
    cwd,
    permission_mode: "default",
    hook_event_name: "PreToolUse",
    tool_use_id: "toolu_01ABC123",
  };
}

async function askHook(
  { home, root }: Pick<Scene, "home" | "root">,
  input: string,
  env: Record<string, string> = {},
) {
  const { answer, ...ended } = await callHook({ home, root }, input, env);
  expect(ended).toEqual({ code: 0, stderr: "" });
  return answer;
}

async function callHook(
  { home, root }: Pick<Scene, "home" | "root">,
  input: string,
  env: Record<string, string> = {},
) {
  const { code, stdout, stderr } = await runInProcess(home, ["hook", "claude"], { cwd: root, input, env });
  return { code, stderr, answer: stdout === "" ? undefined : valid(stdout) };
}

/** What was printed, as Claude Code reads it. */
function valid(stdout: string): Answer {
  const answer: Answer = JSON.parse(stdout);
  expect(ANSWER(answer), JSON.stringify(ANSWER.errors)).toBe(true);
  return answer;
}

/** That the call was denied, as one that is staged is. */
const STAGED = {
  hookSpecificOutput: {
    permissionDecision: "deny",
    permissionDecisionReason: expect.stringMatching(
      /^Staged for review in iopipe session s\w+, and not written/,
    ),
  },
};

async function onlySession({ reviewer, workspace }: Scene) {
  const { sessions } = await reviewer.call("session/list", { workspace });
  expect(sessions).toHaveLength(1);
  return reviewer.session(sessions[0]?.id as string);
}

test("Write, Edit and MultiEdit of one conversation end in one session, and reach the tree when a person applies it", async () => {
  await using claude = await claudeIn();
  const before = claude.tree();
  const a = claude.at("src/a.ts");
  expect(
    await claude.ask("Write", { file_path: claude.at("docs/new.md"), content: "# New\n" }),
  ).toMatchObject(STAGED);
  expect(
    await claude.ask("Edit", { file_path: a, old_string: "1", new_string: "2", replace_all: false }),
  ).toMatchObject(STAGED);
  const edits = [
    { old_string: "2", new_string: "22 + 22" },
    { old_string: "22", new_string: "3", replace_all: true },
  ];
  const answer = await claude.ask("MultiEdit", { file_path: a, edits });
  expect(answer).toMatchObject(STAGED);
  const { permissionDecisionReason: reason } = answer.hookSpecificOutput;
  const session = await onlySession(claude.scene);
  expect(reason).toContain(`iopipectl review --session ${session.id}`);
  expect(reason).toContain("update src/a.ts (+1 -1)");
  expect(claude.tree()).toEqual(before);
  expect((await session.get()).session).toMatchObject({ agent: "claude", patches: { pending: 2 } });
  const { digest } = await session.diff();
  await session.apply(digest as string);
  expect(claude.read("src/a.ts")).toBe("export const a = 3 + 3;\n");
  expect(claude.read("docs/new.md")).toBe("# New\n");
  // What comes after is a new proposal of the same conversation.
  await claude.ask("Write", { file_path: a, content: "again\n" });
  expect((await claude.reviewer.call("session/list", { workspace: claude.workspace })).sessions).toHaveLength(
    2,
  );
});

test("an Edit of an empty text makes a file, and refuses one that is there; another conversation has another session", async () => {
  await using claude = await claudeIn();
  expect(
    await claude.ask("Edit", { file_path: claude.at("n.txt"), old_string: "", new_string: "n\n" }),
  ).toMatchObject(STAGED);
  const edits = [
    { old_string: "", new_string: "one\n" },
    { old_string: "one", new_string: "two" },
  ];
  expect(await claude.ask("MultiEdit", { file_path: claude.at("m.txt"), edits })).toMatchObject(STAGED);
  const session = await onlySession(claude.scene);
  expect((await session.read("m.txt")).bytes.toString()).toBe("two\n");
  const there = await claude.ask("Edit", {
    file_path: claude.at("src/a.ts"),
    old_string: "",
    new_string: "n",
  });
  expect(there.hookSpecificOutput.permissionDecisionReason).toMatch(/^FileExists: /);
  const theirs = { file_path: claude.at("n.txt"), content: "theirs\n" };
  const told = await claude.ask("Write", theirs, { session_id: crypto.randomUUID() });
  expect(told.hookSpecificOutput.permissionDecisionReason).toContain("Another pending proposal changes");
  expect((await claude.reviewer.call("session/list", { workspace: claude.workspace })).sessions).toHaveLength(
    2,
  );
});

test("what cannot be staged is denied with the fact and the next step, and the file is as it was", async () => {
  await using claude = await claudeIn();
  const before = claude.tree();
  const reason = async (tool: string, input: object, more?: object) =>
    (await claude.ask(tool, input, more)).hookSpecificOutput.permissionDecisionReason;
  const a = claude.at("src/a.ts");
  expect(await reason("Edit", { file_path: a, old_string: "nowhere", new_string: "" })).toMatch(
    /^MatchNotFound: .*src\/a\.ts.* Read the file again with the Read tool and copy/,
  );
  expect(await reason("Edit", { file_path: a, old_string: "t", new_string: "" })).toMatch(
    /^MatchAmbiguous: .*replace_all/,
  );
  expect(await reason("Write", { file_path: claude.at(".git/config"), content: "" })).toMatch(
    /^PathProtected: /,
  );
  expect(await reason("Write", { file_path: a, content: claude.read("src/a.ts") })).toMatch(
    /^Nothing to write: /,
  );
  expect(await reason("Write", { file_path: a })).toMatch(/^InvalidParams: .*no content/);
  expect(await reason("MultiEdit", { file_path: a, edits: [] })).toMatch(/^InvalidParams: .*no edits/);
  expect(await reason("MultiEdit", { file_path: a, edits: [null] })).toMatch(/^InvalidParams: .*no edits/);
  const cell = { notebook_path: a, cell_id: "x", new_source: "", edit_mode: "move" };
  expect(await reason("NotebookEdit", cell)).toMatch(/^InvalidParams: .*no edit_mode/);
  expect(await reason("Write", { path: a, content: "" })).toMatch(
    /^InvalidParams: This form of Write is not known/,
  );
  expect(await reason("Write", { file_path: a, content: "" }, { session_id: undefined })).toMatch(
    /not known/,
  );
  expect(claude.tree()).toEqual(before);
});

const NOTEBOOK = `{
 "cells": [
  {
   "cell_type": "code",
   "execution_count": 7,
   "id": "first",
   "metadata": {},
   "outputs": [{"output_type": "stream", "text": ["1.0\\n"]}],
   "source": ["print(1.0)\\n"]
  },
  {
   "cell_type": "markdown",
   "id": "second",
   "metadata": {"score": 1.50},
   "source": []
  }
 ],
 "metadata": {},
 "nbformat": 4,
 "nbformat_minor": 5
}
`;

test("NotebookEdit replaces, inserts and deletes cells, and leaves the bytes of all others alone", async () => {
  await using claude = await claudeIn({ files: { "n.ipynb": NOTEBOOK } });
  const notebook_path = claude.at("n.ipynb");
  const edit = (input: object) => claude.ask("NotebookEdit", { notebook_path, ...input });
  expect(await edit({ cell_id: "first", new_source: "print(2)\nprint(3)" })).toMatchObject(STAGED);
  const session = await onlySession(claude.scene);
  const staged = async () => (await session.read("n.ipynb")).bytes.toString();
  expect(JSON.parse(await staged()).cells[0]).toMatchObject({
    outputs: [],
    execution_count: null,
    source: ["print(2)\n", "print(3)"],
  });
  expect(await staged()).toContain(
    NOTEBOOK.slice(
      NOTEBOOK.indexOf('   "cell_type": "markdown"'),
      NOTEBOOK.indexOf(' "metadata": {},\n "nbformat"'),
    ),
  );
  await edit({ cell_id: "first", new_source: "# Title", cell_type: "markdown", edit_mode: "insert" });
  await edit({ new_source: "x = 1", cell_type: "code", edit_mode: "insert" });
  await edit({ cell_id: "second", new_source: "", edit_mode: "delete" });
  await edit({ cell_id: "cell-1", new_source: "text", cell_type: "markdown" });
  const { cells } = JSON.parse(await staged());
  expect(cells).toMatchObject([
    { cell_type: "code", source: ["x = 1"], outputs: [], id: expect.any(String) },
    { cell_type: "markdown", source: ["text"], id: "first" },
    { cell_type: "markdown", source: ["# Title"] },
  ]);
  expect(cells[1]).not.toHaveProperty("outputs");
  const refused = await edit({ cell_id: "third", new_source: "" });
  expect(refused.hookSpecificOutput.permissionDecisionReason).toMatch(/^MatchNotFound: .*"third"/);
  const none = await claude.ask("NotebookEdit", { notebook_path: claude.at("n.txt"), new_source: "" });
  expect(none.hookSpecificOutput.permissionDecisionReason).toMatch(/^FileNotFound: /);
  expect(claude.read("n.ipynb")).toBe(NOTEBOOK);
});

test("a Read of a staged file is pointed at what is staged; every other Read passes, and opens no session", async () => {
  await using claude = await claudeIn();
  const [a, b] = [claude.at("src/a.ts"), claude.at("src/b.ts")];
  expect(await claude.ask("Read", { file_path: a })).toBeUndefined();
  expect((await claude.reviewer.call("session/list", { workspace: claude.workspace })).sessions).toEqual([]);
  await claude.ask("Write", { file_path: a, content: "staged\n" });
  const answer = await claude.ask("Read", { file_path: a, offset: 1, limit: 10 });
  const { updatedInput, permissionDecision, additionalContext } = answer.hookSpecificOutput;
  expect({ permissionDecision, ...updatedInput }).toMatchObject({
    permissionDecision: "allow",
    offset: 1,
    limit: 10,
  });
  expect(readFileSync(updatedInput.file_path, "utf8")).toBe("staged\n");
  expect(path.basename(updatedInput.file_path)).toBe("a.ts");
  expect(additionalContext).toContain(`Make further changes to ${a}`);
  expect(await claude.ask("Read", { file_path: a, offset: 1, limit: 10 })).toEqual(answer);
  expect(await claude.ask("Read", { file_path: b })).toBeUndefined();
  expect(await claude.ask("Read", { file_path: a }, { session_id: crypto.randomUUID() })).toBeUndefined();
  // A change of the copy would be lost.
  const copy = await claude.ask("Write", { file_path: updatedInput.file_path, content: "" });
  expect(copy.hookSpecificOutput).toMatchObject({ permissionDecision: "deny" });

  const session = await onlySession(claude.scene);
  await session.stage([
    { kind: "delete", path: "src/b.ts" },
    { kind: "rename", path: "src/a.ts", to: "src/c.ts" },
  ]);
  const reason = async (file: string) =>
    (await claude.ask("Read", { file_path: file })).hookSpecificOutput.permissionDecisionReason;
  expect(await reason(b)).toMatch(/src\/b\.ts is staged to be deleted/);
  expect(await reason(a)).toMatch(/src\/a\.ts is staged to become src\/c\.ts/);
  expect(
    (await claude.ask("Read", { file_path: claude.at("src/c.ts") })).hookSpecificOutput.updatedInput,
  ).toBeDefined();
});

test("what it does not know passes untouched: other tools, other events, no JSON", async () => {
  await using claude = await claudeIn();
  const file_path = claude.at("src/a.ts");
  expect(await claude.ask("Bash", { command: "rm -rf ." })).toBeUndefined();
  expect(await claude.ask("mcp__iopipe__stage_write", { path: "a" })).toBeUndefined();
  expect(await claude.ask("toString", { file_path })).toBeUndefined();
  expect(
    await claude.ask("Write", { file_path, content: "" }, { hook_event_name: "PostToolUse" }),
  ).toBeUndefined();
  for (const input of ["", "no JSON", "null", "[]", '"PreToolUse"', "{}", '{"hook_event_name":"PreToolUse"}'])
    expect(await askHook(claude.scene, input), input).toBeUndefined();
});

test("outside every workspace a write passes; in the project itself the person is told that nothing is open", async () => {
  await using claude = await claudeIn();
  const project = path.join(claude.home.directory, "project");
  mkdirSync(project);
  const write = (file_path: string, env = {}) =>
    claude.ask("Write", { file_path, content: "" }, { cwd: project }, env);
  expect(await write(path.join(claude.home.directory, "notes.md"))).toBeUndefined();
  const told = await write(path.join(project, "a.txt"));
  expect(told).toEqual({ systemMessage: expect.stringContaining(`iopipectl open ${project}`) });
  expect(await write(path.join(project, "a.txt"), { CLAUDE_PROJECT_DIR: claude.root })).toBeUndefined();
});

test("a path in the home directory is not taken for one in the project", async () => {
  await using on = await claudeIn();
  expect(await on.ask("Write", { file_path: "~/made.txt", content: "x" })).toBeUndefined();
  const inside = await on.ask("Write", { file_path: "~/made.txt", content: "x" }, {}, { HOME: on.root });
  expect(inside.hookSpecificOutput.permissionDecisionReason).toContain("create made.txt (+1 -0)");
});

test("a link from outside into the workspace is written where it leads to, dangling or not", async () => {
  await using claude = await claudeIn();
  const [link, dangling, loop, out] = ["link", "dangling", "loop", "out"].map((name) =>
    path.join(claude.home.directory, name),
  ) as [string, string, string, string];
  symlinkSync(claude.at("src/a.ts"), link);
  symlinkSync(path.join(path.basename(claude.root), "new"), dangling);
  symlinkSync(loop, loop);
  symlinkSync(path.join(claude.home.directory, "nowhere"), out);
  for (const file_path of [link, dangling])
    expect(await claude.ask("Write", { file_path, content: "x\n" })).toMatchObject(STAGED);
  const { session } = await claude.reviewer.call("session/get", {
    session: (await onlySession(claude.scene)).id,
  });
  expect(session.patches).toMatchObject({ pending: 2 });
  for (const file_path of [loop, out])
    expect(await claude.ask("Write", { file_path, content: "x\n" })).toBeUndefined();
});

test("where iopipe is off, or a layer catches the write, it passes", async () => {
  await using claude = await claudeIn();
  const input = { file_path: claude.at("src/a.ts"), content: "x" };
  expect(await claude.ask("Write", input, {}, { IOPIPE_DISABLE: "1" })).toBeUndefined();
  expect(await claude.ask("Write", input, {}, { IOPIPE_LAYER: claude.root })).toBeUndefined();
  await runInProcess(claude.home, ["disable"], { cwd: claude.root });
  expect(await claude.ask("Write", input)).toBeUndefined();
  await runInProcess(claude.home, ["enable"], { cwd: claude.root });
  expect(await claude.ask("Write", input)).toMatchObject(STAGED);
});

test("IOPIPE_SESSION takes the writes of its own workspace", async () => {
  await using claude = await claudeIn();
  const { session } = await claude.reviewer.call("session/open", { workspace: claude.workspace });
  const env = { IOPIPE_SESSION: session.id };
  await claude.ask("Write", { file_path: claude.at("x"), content: "x" }, {}, env);
  expect((await onlySession(claude.scene)).id).toBe(session.id);
  expect(await claude.ask("Read", { file_path: claude.at("x") }, {}, env)).toHaveProperty(
    "hookSpecificOutput.updatedInput",
  );
  const other = path.join(claude.home.directory, "other");
  mkdirSync(other);
  await claude.reviewer.call("workspace/open", { root: other });
  await claude.ask("Write", { file_path: path.join(other, "x"), content: "x" }, {}, env);
  expect((await claude.reviewer.call("session/list", {})).sessions).toHaveLength(2);
});

test("where no daemon can be reached, a write is denied with the reason, and a Read passes with a word", async () => {
  await using home = testHome();
  const env = { IOPIPE_RUNTIME_DIR: path.join(home.directory, "not-a-directory", "x") };
  const file = path.join(home.directory, "a.txt");
  writeFileSync(path.join(home.directory, "not-a-directory"), "");
  const input = (tool: string) =>
    JSON.stringify({
      ...documented(home.directory),
      tool_name: tool,
      tool_input: { file_path: file, content: "x" },
    });
  const where = { home, root: home.directory };
  const said = /not-a-directory\/x\/propose\/iopiped\.sock failed with ENOTDIR/;
  expect(await callHook(where, input("Write"), env)).toEqual({
    code: 1,
    stderr: expect.stringMatching(said),
    answer: {
      hookSpecificOutput: expect.objectContaining({
        permissionDecision: "deny",
        permissionDecisionReason: expect.stringMatching(said),
      }),
    },
  });
  expect(await askHook(where, input("Read"), env)).toEqual({
    systemMessage: expect.stringMatching(/^iopipe: /),
  });
  expect(existsSync(file)).toBe(false);
});

test("as a process of its own it answers too; an agent without a hook is a mistake, which blocks", async () => {
  await using claude = await claudeIn();
  const tool_input = { file_path: claude.at("src/a.ts"), content: "x\n" };
  const input = JSON.stringify({ ...documented(claude.root), tool_name: "Write", tool_input });
  const { code, stdout } = await iopipectl(claude.home, ["hook"], { cwd: claude.root, input });
  expect({ code, answer: JSON.parse(stdout) }).toMatchObject({ code: 0, answer: STAGED });
  expect(await runInProcess(claude.home, ["hook", "constructor", "--json"], { input })).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringMatching(
      /no hook for constructor[\s\S]*is blocked, and nothing was written to disk/,
    ),
  });
});

test("a write that the daemon could not take just now is denied with a failure; one that does not fit is not", async () => {
  await using claude = await claudeIn();
  const write = (file: string) =>
    callHook(
      claude,
      JSON.stringify({
        ...documented(claude.root),
        ...{ tool_name: "Write", tool_input: { file_path: claude.at(file), content: "x\n" } },
      }),
    );
  const { sockets } = claude.home.locations;
  expect(await write(".git/config")).toMatchObject({ code: 0, stderr: "" });
  renameSync(sockets.proposer, `${sockets.proposer}.away`);
  // What answers there instead ends each connection at once, as a daemon does that is stopping.
  const server = createServer((socket) => socket.destroy()).listen(sockets.proposer);
  await once(server, "listening");
  const { code, stderr, answer } = await write("src/a.ts");
  await promisify(server.close.bind(server))();
  expect({ code, ...answer.hookSpecificOutput }).toMatchObject({ code: 75, permissionDecision: "deny" });
  expect(stderr).toMatch(/^iopipectl: .*\n\w/);
  renameSync(`${sockets.proposer}.away`, sockets.proposer);
});

test("where somebody has removed its working directory it still stages: any other end would let the write through", async () => {
  await using claude = await claudeIn();
  const gone = path.join(claude.home.directory, "gone");
  mkdirSync(gone);
  const tool_input = { file_path: claude.at("src/a.ts"), content: "x\n" };
  const input = JSON.stringify({ ...documented(claude.root), tool_name: "Write", tool_input });
  const script = `rmdir "$PWD" && exec ${CTL_COMMAND} hook`;
  const child = spawn("sh", ["-c", script], { cwd: gone, env: claude.home.env });
  child.stdin.end(input);
  expect(JSON.parse(await text(child.stdout))).toMatchObject(STAGED);
});
