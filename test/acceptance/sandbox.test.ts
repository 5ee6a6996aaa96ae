/**
 * Where a sandbox forbids Unix sockets: real seccomp filters, as agents run under. Each way in says what is forbidden and
 * what to set, exits 77, writes nothing to the tree, and starts no daemon that nobody could reach.
 */
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { connect, isNoDaemon } from "../../client/index.ts";
import { type CliResult, iopipectl } from "../fixture/cli.ts";
import { iopipectlOnPath, runHookLine, writeCall } from "../fixture/hook-line.ts";
import { nvimVersion } from "../fixture/nvim.ts";
import { testHome } from "../fixture/server.ts";
import { mcpClient } from "../mcp/client.ts";
import { openScene, type Scene } from "./scene.ts";
import { openUserScene, USERS, type User } from "./users.ts";

const FORBID = path.resolve(import.meta.dirname, "../fixture/forbid.ts");
const CLIENT = path.resolve(import.meta.dirname, "../../client");
const possible = process.platform === "linux" && ["x64", "arm64"].includes(process.arch);
if (!possible)
  process.stderr.write("NOT TESTED: sandboxes; seccomp is Linux's, and the filter x64's or arm64's.\n");

const FORBIDDEN = ["connect", "socket"] as const;

/** Runs a program, by its absolute path, with its arguments under the filter. */
function confined(
  what: (typeof FORBIDDEN)[number],
  { env, cwd }: { env: Record<string, string>; cwd: string },
  command: string[],
  input = "content\n",
): Promise<CliResult> {
  return new Promise((resolve) => {
    const all = [FORBID, what, ...command];
    const child = execFile(process.execPath, all, { env, cwd }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

const ctl = (
  what: (typeof FORBIDDEN)[number],
  scene: Pick<Scene, "home" | "root">,
  args: string[],
  input?: string,
) =>
  confined(
    what,
    { env: scene.home.env, cwd: scene.root },
    [process.execPath, path.join(CLIENT, "cli/main.ts"), ...args],
    input,
  );

/** The setting of each agent, by name. */
const SETTINGS = [
  /sandbox\.network\.allowUnixSockets/,
  /allowAllUnixSockets/,
  /allow_unix_sockets/,
  /iopipectl mcp/,
];

function expectRefusal({ code, stdout, stderr }: CliResult, socket: string, expected = 77): void {
  expect({ code, stdout }).toEqual({ code: expected, stdout: "" });
  expect(stderr).toContain(`The connection to ${socket} was refused with EPERM`);
  for (const setting of SETTINGS) expect(stderr).toMatch(setting);
}

describe.runIf(possible).each(FORBIDDEN)("with %s forbidden", (what) => {
  test("iopipectl says so and what to set, whatever the verb and the role, and the daemon stays the only one", {
    timeout: 120_000,
  }, async () => {
    await using scene = await openScene();
    const { daemonFile, logFile } = scene.home.locations;
    const seen = () => [scene.tree(), readFileSync(daemonFile, "utf8"), readdirSync(path.dirname(logFile))];
    const before = seen();
    const { reviewer, proposer } = scene.home.locations.sockets;
    const verbs = [
      ["status"],
      ["stage", "src/a.ts"],
      ["verify", "--", "true"],
      ["rpc"],
      ["daemon", "start"],
      ["daemon", "stop"],
    ];
    for (const args of verbs) expectRefusal(await ctl(what, scene, args), reviewer);
    // 125 is what fails on our side; any other code could be the command's own.
    expectRefusal(await ctl(what, scene, ["run", "--", "touch", "made"]), reviewer, 125);
    const asProposer = { ...scene.home.env, IOPIPE_ROLE: "proposer" };
    const main = path.join(CLIENT, "cli/main.ts");
    expectRefusal(
      await confined(what, { env: asProposer, cwd: scene.root }, [process.execPath, main, "ls"]),
      proposer,
    );
    const json = await ctl(what, scene, ["status", "--json"]);
    expect(json.code).toBe(77);
    expect(JSON.parse(json.stdout).error.data).toMatchObject({ kind: "AccessDenied", errno: "EPERM" });
    expect(seen()).toEqual(before);
  });

  test("where none runs, none is started", async () => {
    await using home = testHome();
    const root = realpathSync(home.directory);
    expectRefusal(await ctl(what, { home, root }, ["status"]), home.locations.sockets.reviewer);
    expect(existsSync(home.locations.stateDir)).toBe(false);
  });

  test("doctor names it as a problem", async () => {
    await using home = testHome();
    const { code, stdout } = await ctl(what, { home, root: realpathSync(home.directory) }, ["doctor"]);
    expect(code).toBe(77);
    expect(stdout).toContain("refused with EPERM");
    expect(stdout).toMatch(/allowAllUnixSockets/);
  });

  test("the hook says so and denies the write; by the line of its settings the agent blocks it", async () => {
    await using scene = await openScene();
    const { daemonFile, sockets } = scene.home.locations;
    const daemon = readFileSync(daemonFile, "utf8");
    const bin = path.join(scene.home.directory, "bin");
    mkdirSync(bin);
    const input = writeCall(scene.root, "src/a.ts");
    const itself = await ctl(what, scene, ["hook", "claude"], input);
    const env = { ...scene.home.env, PATH: iopipectlOnPath(bin) };
    const through = [process.execPath, FORBID, what];
    const line = await runHookLine({ cwd: scene.root, env, input, through });
    expect([itself.code, line.code]).toEqual([77, 2]);
    for (const { stdout, stderr } of [itself, line]) {
      const { permissionDecision, permissionDecisionReason } = JSON.parse(stdout).hookSpecificOutput;
      expect(permissionDecision).toBe("deny");
      for (const said of [permissionDecisionReason, stderr]) {
        expect(said).toContain(`${sockets.proposer} was refused with EPERM`);
        for (const setting of SETTINGS) expect(said).toMatch(setting);
      }
    }
    // Nothing would be written by it.
    const read = await ctl(what, scene, ["hook"], writeCall(scene.root, "src/a.ts", "Read"));
    expect(read).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^{"systemMessage":"iopipe: .*EPERM/),
    });
    expect(readFileSync(daemonFile, "utf8")).toBe(daemon);
  });

  test("every tool of MCP says so, and the server goes on", async () => {
    await using scene = await openScene();
    await using agent = await mcpClient(scene.home, { cwd: scene.root, confined: [FORBID, what] });
    const before = scene.tree();
    const calls = {
      stage_write: { path: "src/a.ts", content: "x" },
      read_staged: { path: "src/a.ts" },
      session_status: {},
    };
    for (const [name, args] of Object.entries(calls)) {
      const { isError, text } = await agent.call(name, { ...args, key: "k".repeat(20) });
      expect({ name, isError }).toEqual({ name, isError: true });
      expect(text).toMatch(/^AccessDenied: .* was refused with EPERM/);
      for (const setting of SETTINGS) expect(text).toMatch(setting);
    }
    expect(scene.tree()).toEqual(before);
  });

  test.runIf(nvimVersion())("Neovim says so", async () => {
    await using scene = await openScene();
    const words = path.join(scene.home.directory, "words");
    const { sockets } = scene.home.locations;
    const nvim = [
      ...[
        "/usr/bin/env",
        "nvim",
        "--clean",
        "--headless",
        "-n",
        "--cmd",
        `set rtp+=${path.join(CLIENT, "nvim")}`,
        "-c",
        "Iopipe",
      ],
      ...["-c", "call wait(20000, {-> execute('messages') =~ 'iopipe:'})"],
      ...["-c", `call writefile(split(execute('messages'), "\n"), '${words}')`, "-c", "qa!"],
    ];
    await confined(what, { env: scene.home.env, cwd: scene.root }, nvim);
    expect(readFileSync(words, "utf8")).toContain(`${sockets.reviewer} was refused with EPERM`);
  });

  test("the library says so, and safeWrite writes nothing", async () => {
    await using scene = await openScene();
    const script = `
      const { connect, safeWrite } = await import(${JSON.stringify(path.join(CLIENT, "index.ts"))});
      for (const work of [() => connect(), () => safeWrite("src/a.ts", "sneaked in\\n")])
        await work().catch(({ kind, data: { errno, hint } }) => console.log(JSON.stringify({ kind, errno, hint })));
    `;
    const args = [process.execPath, "--input-type=module", "-e", script];
    const { stdout, stderr } = await confined(what, { env: scene.home.env, cwd: scene.root }, args);
    expect(stderr).toBe("");
    const refusal = { kind: "AccessDenied", errno: "EPERM", hint: expect.stringMatching(/allowUnixSockets/) };
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([refusal, refusal]);
    expect(readFileSync(path.join(scene.root, "src/a.ts"), "utf8")).toBe("export const a = 1;\n");
  });

  test("switched off, safeWrite needs no socket", async () => {
    await using scene = await openScene();
    const script = `
      const { safeWrite } = await import(${JSON.stringify(path.join(CLIENT, "index.ts"))});
      console.log((await safeWrite("src/a.ts", "meant\\n")).way);
    `;
    const env = { ...scene.home.env, IOPIPE_DISABLE: "1" };
    const { stdout } = await confined(what, { env, cwd: scene.root }, [
      process.execPath,
      "--input-type=module",
      "-e",
      script,
    ]);
    expect([stdout, scene.read("src/a.ts")]).toEqual(["plain\n", "meant\n"]);
  });
});

describe("where the mode of a directory forbids it", () => {
  const user = USERS.at(-1) as User;

  test("iopipectl, the hook and the library say so, and start no daemon beside the one that serves", async () => {
    await using scene = openUserScene(user, { "src/a.ts": "export const a = 1;\n" });
    expect(await scene.ctl("open")).toMatchObject({ code: 0 });
    const { runtimeDir, daemonFile, sockets } = scene.home.locations;
    const daemon = readFileSync(daemonFile, "utf8");
    const refused = (socket: string) => expect.stringContaining(`${socket} was refused with EACCES`);
    for (const directory of [runtimeDir, path.dirname(runtimeDir)]) {
      const { mode } = statSync(directory);
      chmodSync(directory, 0);
      try {
        expect(await scene.ctl("status")).toEqual({
          code: 77,
          stdout: "",
          stderr: refused(sockets.reviewer),
        });
        expect(await scene.ctl("run", "--", "true")).toMatchObject({
          code: 125,
          stderr: refused(sockets.reviewer),
        });
        expect(await scene.ctl("doctor")).toMatchObject({
          code: 77,
          stdout: expect.stringContaining("EACCES"),
        });
        const hook = scene.start("hook");
        hook.stdin.end(writeCall(scene.root, "src/a.ts"));
        const [code, stdout, stderr] = await Promise.all([
          new Promise((resolve) => hook.once("exit", resolve)),
          text(hook.stdout),
          text(hook.stderr),
        ]);
        expect({ code, stderr }).toEqual({ code: 77, stderr: refused(sockets.proposer) });
        expect(JSON.parse(stdout).hookSpecificOutput.permissionDecisionReason).toEqual(
          refused(sockets.proposer),
        );
      } finally {
        chmodSync(directory, mode);
      }
    }
    expect(await scene.ctl("status")).toMatchObject({ code: 0 });
    expect(readFileSync(daemonFile, "utf8")).toBe(daemon);
  });
});

test("a proposer whose sandbox hides the daemon's state starts no daemon of its own in there", async () => {
  await using home = testHome();
  const error = await connect({ env: { ...home.env, IOPIPE_ROLE: "proposer" } }).catch((each) => each);
  expect(isNoDaemon(error)).toBe(true);
  expect(error.data.hint).toContain("IOPIPE_RUNTIME_DIR");
  expect(existsSync(home.locations.stateDir)).toBe(false);
  const { code } = await iopipectl(home, ["ls", "-s", "s1"], { env: { IOPIPE_ROLE: "proposer" } });
  expect(code).toBe(69);
});
