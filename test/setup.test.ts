/** `iopipectl setup`: an agent's lines get into its configuration as a proposal, and nothing else there changes. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parse as parseToml } from "smol-toml";
import { expect, test } from "vitest";
import { AGENTS } from "../client/setup/agents.ts";
import { openScene, sharedStage } from "./acceptance/scene.ts";
import { type InProcessOptions, runInProcess } from "./fixture/in-process.ts";

import { blocksOf } from "./readme/blocks.ts";

const stage = sharedStage();

/** A repository with `files`, and an iopipectl on the PATH. */
async function project(files: Record<string, string> = { "a.txt": "a\n" }) {
  const scene = await openScene({ on: stage(), files });
  const bin = path.join(scene.home.directory, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(path.join(bin, "iopipectl"), "");
  chmodSync(path.join(bin, "iopipectl"), 0o755);
  const onPath = { PATH: `${bin}:${process.env.PATH}` };
  const setup = (args: string[], { env = {}, ...options }: InProcessOptions = {}) =>
    runInProcess(scene.home, ["setup", ...args], { cwd: scene.root, env: { ...onPath, ...env }, ...options });
  const apply = async () => {
    const { code, stderr } = await runInProcess(scene.home, ["apply", "--yes"], { cwd: scene.root });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  };
  return { ...scene, setup, apply, [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose]() };
}

const SERVER = { command: "iopipectl", args: ["mcp"] };
// biome-ignore lint/suspicious/noTemplateCurlyInString: the agent replaces it.
const IN_FOLDER = { command: "iopipectl", args: ["mcp", "--workspace", "${workspaceFolder}"] };

/** Where each agent looks, and what it must find there. */
const EXPECTED: Record<string, Record<string, object>> = {
  claude: {
    ".mcp.json": { mcpServers: { iopipe: SERVER } },
    ".claude/settings.json": {
      env: { IOPIPE_ROLE: "proposer" },
      hooks: {
        PreToolUse: [
          {
            matcher: "Write|Edit|MultiEdit|NotebookEdit|Read",
            hooks: [{ type: "command", command: "iopipectl hook claude || exit 2", timeout: 60 }],
          },
        ],
      },
    },
  },
  codex: {
    ".codex/config.toml": {
      mcp_servers: { iopipe: SERVER },
      shell_environment_policy: { set: { IOPIPE_ROLE: "proposer" } },
    },
  },
  gemini: {
    ".gemini/settings.json": {
      mcpServers: { iopipe: SERVER },
      tools: { exclude: ["write_file", "replace"] },
    },
  },
  cursor: { ".cursor/mcp.json": { mcpServers: { iopipe: IN_FOLDER } } },
  vscode: { ".vscode/mcp.json": { servers: { iopipe: { type: "stdio", ...IN_FOLDER } } } },
  opencode: {
    "opencode.json": {
      mcp: { iopipe: { type: "local", command: ["iopipectl", "mcp"], enabled: true } },
      permission: { edit: "deny" },
    },
  },
};

const parsed = (file: string, text: string) => (file.endsWith(".toml") ? parseToml(text) : JSON.parse(text));

test.each(Object.entries(EXPECTED))(
  "%s: what is printed is what is staged; applied, there is nothing left to do",
  async (agent, files) => {
    await using on = await project();
    const before = on.tree();
    const printed = JSON.parse((await on.setup([agent, "--print", "--json"])).stdout).files;
    expect(
      Object.fromEntries(
        printed.map(({ path: file, lines }: { path: string; lines: string }) => [file, parsed(file, lines)]),
      ),
    ).toEqual(files);
    const staged = await on.setup([agent, "--yes"]);
    expect(staged).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("Next: iopipectl apply --session s"),
    });
    expect(on.tree()).toEqual(before);
    await on.apply();
    for (const [file, expected] of Object.entries(files))
      expect(parsed(file, on.read(file)), file).toEqual(expected);
    expect(await on.setup([agent, "--yes"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/is set up here already/),
    });
  },
);

test("run again before anything is applied it finds what it has staged, opens nothing, and names the next step", async () => {
  await using on = await project();
  const sessions = async () =>
    (await on.reviewer.call("session/list", { workspace: on.workspace, state: "Pending" })).sessions;
  const first = await on.setup(["claude", "--yes"]);
  const [begun, ...others] = await sessions();
  expect({ code: first.code, others }).toEqual({ code: 0, others: [] });
  expect(begun).toMatchObject({ title: "Set up Claude Code", patches: { pending: 2 } });
  const second = await on.setup(["claude"]);
  expect(second).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("Nothing new"),
    stderr: expect.stringMatching(/review --session s\w+, or iopipectl apply --session s/),
  });
  const third = await on.setup(["claude", "--yes", "--json"]);
  expect(JSON.parse(third.stdout)).toMatchObject({ session: { id: begun?.id }, patches: [], warnings: [] });
  expect(await sessions()).toEqual([begun]);
  // Another agent's lines are another proposal.
  expect(await on.setup(["gemini", "--yes"])).toMatchObject({ code: 0 });
  expect(await sessions()).toHaveLength(2);
});

test("run again with other lines, or after a part was discarded, it stages what is missing into the same session", async () => {
  await using on = await project();
  await on.setup(["claude", "--yes"]);
  const [{ id } = { id: "" }] = (await on.reviewer.call("session/list", { workspace: on.workspace }))
    .sessions;
  const pending = async () =>
    (await on.reviewer.call("session/get", { session: id })).patches.filter(
      ({ state }) => state === "Pending",
    );
  const [one, other] = await pending();
  await on.reviewer.call("session/discard", { session: id, patches: [one?.id ?? ""] });
  expect(await on.setup(["claude", "--yes"])).toMatchObject({ code: 0 });
  expect((await pending()).map(({ path: file }) => file).sort()).toEqual([one?.path, other?.path].sort());
  expect(await on.setup(["claude", "--yes"], { env: { PATH: "/nonexistent" } })).toMatchObject({ code: 0 });
  const server = await on.reviewer.call("file/read", { session: id, path: ".mcp.json" });
  expect(JSON.parse(server.content).mcpServers.iopipe.command).toBe(process.execPath);
  expect(await pending()).toHaveLength(2);
  await on.apply();
  expect((await on.setup(["claude", "--yes"], { env: { PATH: "/nonexistent" } })).stdout).toMatch(
    /is set up here already/,
  );
});

test("the pages have exactly the lines that setup prints", async () => {
  await using on = await project();
  const pages = ["mcp", "hook"].map((way) => readFileSync(path.join(CLIENT, way, "README.md"), "utf8"));
  const shown = pages.flatMap(blocksOf).map(({ text }) => text);
  const printed: string[] = [];
  // One at a time: they borrow this process's streams.
  for (const agent of Object.keys(EXPECTED)) printed.push(...(await linesOf(on, agent)));
  expect(shown.sort()).toEqual(printed.sort());
});

const CLIENT = path.resolve(import.meta.dirname, "../client");

async function linesOf({ setup }: Awaited<ReturnType<typeof project>>, agent: string): Promise<string[]> {
  const { files } = JSON.parse((await setup([agent, "--print", "--json"])).stdout);
  return files.map(({ lines }: { lines: string }) => lines);
}

test("comments, order, indentation and line endings of what is there stay, byte for byte", async () => {
  const settings =
    '\ufeff// ours\r\n{\r\n\t"model": "opus", // the large one\r\n\t"hooks": {\r\n\t\t"PreToolUse": [\r\n\t\t\t{ "matcher": "Bash", "hooks": [] },\r\n\t\t],\r\n\t},\r\n}\r\n';
  const toml = 'model = "gpt"\n\n[mcp_servers.other] # keep\ncommand = "x"\n\n[[thing]]\na = 1';
  await using on = await project({ ".claude/settings.json": settings, ".codex/config.toml": toml });
  expect(await on.setup(["claude", "--yes"])).toMatchObject({ code: 0 });
  await on.apply();
  const merged = on.read(".claude/settings.json");
  for (const line of settings.split("\r\n")) expect(merged).toContain(line.replace(/,$/, ""));
  expect(merged.split("\n").every((line) => line === "" || line.endsWith("\r"))).toBe(true);
  expect(merged).toMatch(/"matcher": "Bash"[\s\S]*"matcher": "Write\|Edit/);
  expect(await on.setup(["codex", "--yes"])).toMatchObject({ code: 0 });
  await on.apply();
  expect(on.read(".codex/config.toml").startsWith(`${toml}\n\n[mcp_servers.iopipe]\n`)).toBe(true);
  expect(parseToml(on.read(".codex/config.toml"))).toMatchObject({
    model: "gpt",
    thing: [{ a: 1 }],
    mcp_servers: { other: { command: "x" }, iopipe: SERVER },
  });
});

test.each([
  ["gemini", ".gemini/settings.json", "{ no json", /cannot be added to: \w+ at character/],
  ["gemini", ".gemini/settings.json", "[]", /cannot be added to: no object/],
  ["gemini", ".gemini/settings.json", '{"mcpServers": []}', /something else at mcpServers/],
  ["gemini", ".gemini/settings.json", '{"tools": {"exclude": "all"}}', /something else at tools\.exclude/],
  [
    "codex",
    ".codex/config.toml",
    '[mcp_servers.iopipe]\ncommand = "old"\n',
    /a table mcp_servers\.iopipe already/,
  ],
  [
    "codex",
    ".codex/config.toml",
    '[shell_environment_policy]\nset = { A = "b" }\n',
    /a table shell_environment_policy\.set already/,
  ],
])(
  "%s: a %s in which it has no place is refused, and nothing is staged: %s",
  async (agent, file, content, words) => {
    await using on = await project({ [file]: content });
    const { code, stderr } = await on.setup([agent, "--yes"]);
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringMatching(words) });
    expect(stderr).toContain("--print");
    expect((await on.reviewer.call("session/list", { workspace: on.workspace })).sessions).toEqual([]);
  },
);

test.each([
  ["iopipectl hook claude", "Write|Edit|MultiEdit|NotebookEdit|Read", 60],
  ["iopipectl hook", "Write|Edit", 20],
  ["'/home/me/a b/node' /opt/iopipe/dist/iopipectl.cjs hook claude", "Write|Edit|Read", 60],
  ["/usr/local/bin/iopipectl hook claude || exit 2", "*", 5],
])(
  "a hook that is there already gets what it lacks, and no second one beside it: %s",
  async (command, matcher, timeout) => {
    const entry = (now: string) =>
      `{ "matcher": "${matcher}", "hooks": [{ "type": "command", "command": "${now}", "timeout": ${timeout} }] }`;
    const settings = (now: string) => `{
  "env": { "IOPIPE_ROLE": "proposer" },
  "hooks": { // mine
    "PreToolUse": [
      { "matcher": "Bash", "hooks": [{ "type": "command", "command": "true", "statusMessage": "iopipectl hook" }] },
      ${entry(now)},
    ]
  }
}
`;
    await using on = await project({ ".claude/settings.json": settings(command) });
    await on.setup(["claude", "--yes"]);
    await on.apply();
    const whole = command.endsWith("exit 2") ? command : `${command} || exit 2`;
    expect(on.read(".claude/settings.json")).toBe(settings(whole));
    expect((await on.setup(["claude", "--yes"])).stdout).toMatch(/is set up here already/);
  },
);

test("a hook that only speaks of iopipectl is none of ours", async () => {
  const others = ["iopipectl hook claude || true", "echo iopipectl hook; true", "myiopipectl hook claude"];
  const hooks = others.map((command) => ({ matcher: "Write", hooks: [{ type: "command", command }] }));
  await using on = await project({
    ".claude/settings.json": JSON.stringify({ hooks: { PreToolUse: hooks } }),
  });
  await on.setup(["claude", "--yes"]);
  await on.apply();
  const { PreToolUse } = JSON.parse(on.read(".claude/settings.json")).hooks;
  expect(PreToolUse.slice(0, 3)).toEqual(hooks);
  expect(PreToolUse).toHaveLength(4);
});

test("the person's own rules for opencode stay, and so does the file that they have", async () => {
  await using on = await project({
    "opencode.jsonc": '{\n  "permission": { "edit": { "*.md": "allow" } }, // mine\n}\n',
  });
  await on.setup(["opencode", "--yes"]);
  await on.apply();
  expect(on.read("opencode.jsonc")).toContain('"permission": { "edit": { "*.md": "allow" } }, // mine');
  expect(Object.keys(on.tree())).toEqual(["opencode.jsonc"]);
});

test("what lies in the home directory is printed, with its path, and staged nowhere", async () => {
  await using on = await project();
  const { code, stdout } = await on.setup(["windsurf", "--yes"]);
  expect(code).toBe(0);
  expect(stdout).toContain("~/.codeium/windsurf/mcp_config.json");
  expect(stdout).toContain(JSON.stringify(on.root));
  expect((await on.reviewer.call("session/list", { workspace: on.workspace })).sessions).toEqual([]);
});

test("on a terminal it shows the lines and asks; elsewhere it wants --yes; an agent that it does not know is a mistake", async () => {
  await using on = await project();
  const no = await on.setup(["cursor"], { terminal: true, input: "n\n" });
  expect(no).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("iopipectl"),
    stderr: expect.stringContaining("[y/N]"),
  });
  const yes = await on.setup(["cursor"], { terminal: true, input: "y\n" });
  expect(yes).toMatchObject({ code: 0, stdout: expect.stringContaining(".cursor/mcp.json") });
  expect(await on.setup(["vscode"])).toMatchObject({ code: 2, stderr: expect.stringContaining("--yes") });
  expect(await on.setup(["constructor"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("It knows claude, codex"),
  });
  expect(await on.setup([])).toMatchObject({ code: 2 });
});

test("where no iopipectl is on the PATH, the lines name this installation", async () => {
  await using on = await project();
  const { stdout } = await on.setup(["claude", "--print", "--json"], { env: { PATH: "/nonexistent" } });
  const none = { PATH: undefined } as unknown as Record<string, string>;
  expect((await on.setup(["claude", "--print", "--json"], { env: none })).stdout).toBe(stdout);
  const [mcp, settings] = JSON.parse(stdout).files.map(({ lines }: { lines: string }) => JSON.parse(lines));
  expect(mcp.mcpServers.iopipe).toEqual({ command: process.execPath, args: [process.argv[1], "mcp"] });
  const { command } = settings.hooks.PreToolUse[0].hooks[0];
  expect(command).toContain(`${process.execPath} `);
  expect(command).toMatch(/ hook claude \|\| exit 2$/);
});

test("setup of what is there already says so in JSON too; --print shows the lines to a person, with what to know", async () => {
  await using on = await project();
  await on.setup(["cursor", "--yes", "--json"]);
  await on.apply();
  expect(JSON.parse((await on.setup(["cursor", "--yes", "--json"])).stdout)).toEqual({
    patches: [],
    warnings: [],
  });
  const shown = await on.setup(["cursor", "--print"]);
  expect(shown).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"mcpServers"'),
    stderr: expect.stringContaining("Its own editing tools"),
  });
  const nobody = await on.setup(["vscode", "--json"]);
  expect(nobody.code).toBe(2);
  expect(JSON.parse(nobody.stdout).error.message).toBe("There is nobody to ask.");
});

test("a value of ours that somebody has changed is put right where it stands; a command with blanks is quoted", async () => {
  const other = '{\n\t"mcpServers": { "iopipe": { "command": "old" }, "mine": {} }\n}\n';
  await using on = await project({ ".cursor/mcp.json": other });
  await on.setup(["cursor", "--yes"]);
  await on.apply();
  expect(JSON.parse(on.read(".cursor/mcp.json")).mcpServers).toEqual({ iopipe: IN_FOLDER, mine: {} });
  const program = { program: "/opt/my node", args: ["/it's/iopipectl.cjs"] };
  const [, settings] = AGENTS.claude?.files(program, on.root) ?? [];
  expect(JSON.stringify(settings)).toContain(
    JSON.stringify(`'/opt/my node' '/it'\\''s/iopipectl.cjs' hook claude || exit 2`).slice(1, -1),
  );
});

test("lines for TOML keep the endings of the file's lines", async () => {
  await using on = await project({ ".codex/config.toml": 'model = "gpt"\r\n' });
  await on.setup(["codex", "--yes"]);
  await on.apply();
  expect(
    on
      .read(".codex/config.toml")
      .split("\n")
      .every((line) => line === "" || line.endsWith("\r")),
  ).toBe(true);
});
