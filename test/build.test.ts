/**
 * What the build makes: every entry is there, clients stay free of what they must not carry, and both binaries say
 * which Node they need before anything else is loaded.
 */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Metafile } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { bundle } from "../scripts/launch/bundle.ts";
import { checkNode } from "../scripts/launch/check-node.ts";
import { ENTRIES } from "../scripts/launch/entries.ts";
import { iopipectlOnPath, runHookLine, writeCall } from "./fixture/hook-line.ts";

const root = path.dirname(import.meta.dirname);
let outDir: string;
let outputs: Metafile["outputs"];

beforeAll(async () => {
  outDir = mkdtempSync(path.join(os.tmpdir(), "iopipe-build-"));
  const { outputs: made } = await bundle(root, outDir, ENTRIES);
  outputs = Object.fromEntries(Object.entries(made).map(([file, output]) => [path.basename(file), output]));
});
afterAll(() => rmSync(outDir, { recursive: true, force: true }));

/** Everything that loading `out` loads: bundled inputs, and imported names outside the bundle. */
function reach(out: string, seen = new Set<string>()): { inputs: string[]; externals: string[] } {
  seen.add(out);
  const output = outputs[out];
  if (!output) throw new Error(`${out} was not built.`);
  const inputs = Object.keys(output.inputs);
  const externals: string[] = [];
  for (const { path: target, external } of output.imports) {
    const chunk = path.basename(target);
    if (external) externals.push(target);
    else if (!seen.has(chunk)) {
      const more = reach(chunk, seen);
      inputs.push(...more.inputs);
      externals.push(...more.externals);
    }
  }
  return { inputs, externals };
}

test("every entry and every binary of package.json is built", () => {
  for (const { out } of ENTRIES) expect(existsSync(path.join(outDir, out)), out).toBe(true);
  const binaries = ENTRIES.flatMap(({ binary, out }) => (binary ? [[binary, `dist/${out}`]] : []));
  expect(Object.fromEntries(binaries)).toEqual(packageJson.bin);
  for (const target of Object.values(packageJson.exports)) {
    expect(ENTRIES.map(({ out }) => `./dist/${out}`)).toContain(target.default);
    expect(ENTRIES.map(({ source }) => `./dist/${source}`)).toContain(
      target.types.replace(/\.d\.ts$/, ".ts"),
    );
  }
});

test.each(["client.js", "atomic.js", "iopipectl.cjs"])("the text of %s does not know zod", (out) => {
  expect(readFileSync(path.join(outDir, out), "utf8")).not.toMatch(/zod/i);
});

describe.each(["client.js", "atomic.js", "iopipectl.cjs"])("%s", (out) => {
  test("holds nothing but our sources, commander and Node's own modules", () => {
    const { inputs, externals } = reach(out);
    const packages = inputs.filter((input) => input.includes("node_modules/"));
    const allowed = out === "iopipectl.cjs" ? /^node_modules\/commander\// : /^$/;
    expect(packages.filter((input) => !allowed.test(input))).toEqual([]);
    expect(inputs.filter((input) => input.startsWith("protocol/methods"))).toEqual([]);
    expect(externals.filter((name) => !name.startsWith("node:"))).toEqual([]);
  });
});

test("the launcher imports nothing statically", () => {
  expect(outputs["iopiped.js"]?.imports.filter(({ kind }) => kind !== "dynamic-import")).toEqual([]);
});

describe.each(["iopiped.js", "iopipectl.cjs"])("%s on an older Node", (out) => {
  test.each(["20.20.2", "22.13.1", "16.0.0"])("%s: says which Node it needs and stops", (version) => {
    const pretend = path.join(outDir, `pretend-${version}.cjs`);
    writeFileSync(
      pretend,
      `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });`,
    );
    const run = spawnSync(process.execPath, ["--require", pretend, path.join(outDir, out)], {
      encoding: "utf8",
    });
    const binary = out.replace(/\..*/, "");
    expect(run).toMatchObject({ status: 1, stdout: "" });
    const asHook = spawnSync(process.execPath, ["--require", pretend, path.join(outDir, out), "hook"]);
    expect(asHook.status).toBe(2);
    expect(run.stderr).toBe(
      `${binary} needs Node 22.14 or newer, but this is Node ${version} (${process.execPath}). In a checkout run ` +
        `\`npx ${binary}\`, which brings its own Node; elsewhere install a newer Node.\n`,
    );
  });
});

test("on an older Node the hook's line blocks the call, and says why", async () => {
  const pretend = path.join(outDir, "pretend-16.0.0.cjs");
  const PATH = iopipectlOnPath(
    outDir,
    `exec '${process.execPath}' '${path.join(outDir, "iopipectl.cjs")}' "$@"`,
  );
  const env = { PATH, HOME: outDir, NODE_OPTIONS: `--require ${pretend}` };
  const { code, stdout, stderr } = await runHookLine({ cwd: outDir, env, input: writeCall(outDir, "a.txt") });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^iopipectl needs Node 22\.14 or newer, but this is Node 16\.0\.0/);
});

test.each(["22.14.0", "22.15.1", "24.0.0", "26.10.0"])("Node %s passes the check", (node) => {
  const unexpected = () => expect.unreachable();
  checkNode("iopiped", "22.14", {
    versions: { node },
    execPath: "",
    argv: [],
    stderr: { write: unexpected },
    exit: unexpected,
  });
});

test("iopipectl mcp, out of the bundles, lists its tools to a host, and is gone when stdin ends", async () => {
  const server = spawn(process.execPath, [path.join(outDir, "iopipectl.cjs"), "mcp"], { cwd: outDir });
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const ask = async (id: number, method: string, params: object) => {
    server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    return JSON.parse(String((await lines.next()).value));
  };
  const clientInfo = { name: "test", version: "1" };
  const greeting = await ask(1, "initialize", {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo,
  });
  expect(greeting.result.serverInfo).toMatchObject({ name: "iopipe", version: packageJson.version });
  const { tools } = (await ask(2, "tools/list", {})).result;
  expect(tools.map(({ name }: { name: string }) => name)).toContain("stage_write");
  const exited = once(server, "exit");
  server.stdin.end();
  expect(await exited).toEqual([0, null]);
});
