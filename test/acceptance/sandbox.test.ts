/**
 * Where a sandbox forbids Unix sockets: real seccomp filters, as agents run under. Each way in says what is forbidden and
 * what to set, exits 77, writes nothing to the tree, and starts no daemon that nobody could reach.
 */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { connect, isNoDaemon } from "../../client/index.ts";
import { type CliResult, iopipectl } from "../fixture/cli.ts";
import { testHome } from "../fixture/server.ts";
import { openScene, type Scene } from "./scene.ts";

const FORBID = path.resolve(import.meta.dirname, "../fixture/forbid.ts");
const CLIENT = path.resolve(import.meta.dirname, "../../client");
const possible = process.platform === "linux" && ["x64", "arm64"].includes(process.arch);
if (!possible)
  process.stderr.write("NOT TESTED: sandboxes; seccomp is Linux's, and the filter x64's or arm64's.\n");

const FORBIDDEN = ["connect", "socket"] as const;

/** Runs a Node script with its arguments under the filter. */
function confined(
  what: (typeof FORBIDDEN)[number],
  { env, cwd }: { env: Record<string, string>; cwd: string },
  args: string[],
  input = "content\n",
): Promise<CliResult> {
  return new Promise((resolve) => {
    const all = [FORBID, what, process.execPath, ...args];
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
    [path.join(CLIENT, "cli/main.ts"), ...args],
    input,
  );

/** The setting of each agent, by name. */
const SETTINGS = [
  /sandbox\.network\.allowUnixSockets/,
  /allowAllUnixSockets/,
  /allow_unix_sockets/,
  /iopipectl mcp/,
];

function expectRefusal({ code, stdout, stderr }: CliResult, socket: string): void {
  expect({ code, stdout }).toEqual({ code: 77, stdout: "" });
  expect(stderr).toContain(`The connection to ${socket} was refused with EPERM`);
  for (const setting of SETTINGS) expect(stderr).toMatch(setting);
}

describe.runIf(possible).each(FORBIDDEN)("with %s forbidden", (what) => {
  test("iopipectl says so and what to set, whatever the verb and the role, and the daemon stays the only one", async () => {
    await using scene = await openScene();
    const { daemonFile, logFile } = scene.home.locations;
    const seen = () => [scene.tree(), readFileSync(daemonFile, "utf8"), readdirSync(path.dirname(logFile))];
    const before = seen();
    const { reviewer, proposer } = scene.home.locations.sockets;
    for (const args of [["status"], ["stage", "src/a.ts"], ["rpc"], ["daemon", "start"], ["daemon", "stop"]])
      expectRefusal(await ctl(what, scene, args), reviewer);
    const asProposer = { ...scene.home.env, IOPIPE_ROLE: "proposer" };
    const main = path.join(CLIENT, "cli/main.ts");
    expectRefusal(await confined(what, { env: asProposer, cwd: scene.root }, [main, "ls"]), proposer);
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
    expect(code).not.toBe(0);
    expect(stdout).toContain("refused with EPERM");
    expect(stdout).toMatch(/allowAllUnixSockets/);
  });

  test("the hook denies the write, and says so: any other exit code would let Claude Code write it", async () => {
    await using scene = await openScene();
    const input = {
      ...{ hook_event_name: "PreToolUse", session_id: "c", cwd: scene.root, tool_name: "Write" },
      tool_input: { file_path: path.join(scene.root, "src/a.ts"), content: "sneaked in\n" },
    };
    const { code, stdout } = await ctl(what, scene, ["hook", "claude"], JSON.stringify(input));
    const { permissionDecision, permissionDecisionReason } = JSON.parse(stdout).hookSpecificOutput;
    expect({ code, permissionDecision }).toEqual({ code: 0, permissionDecision: "deny" });
    for (const setting of SETTINGS) expect(permissionDecisionReason).toMatch(setting);
  });

  test("the library says so, and safeWrite writes nothing", async () => {
    await using scene = await openScene();
    const script = `
      const { connect, safeWrite } = await import(${JSON.stringify(path.join(CLIENT, "index.ts"))});
      for (const work of [() => connect(), () => safeWrite("src/a.ts", "sneaked in\\n")])
        await work().catch(({ kind, data: { errno, hint } }) => console.log(JSON.stringify({ kind, errno, hint })));
    `;
    const args = ["--input-type=module", "-e", script];
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
    const { stdout } = await confined(what, { env, cwd: scene.root }, ["--input-type=module", "-e", script]);
    expect([stdout, scene.read("src/a.ts")]).toEqual(["plain\n", "meant\n"]);
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
