/**
 * Holds the directions of imports and the short top level. The rules are in architecture/rules.ts.
 * Half of these tests prove that the checker fails when it should.
 */

import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Imports, violations } from "./architecture/check.ts";
import { importsOf, parseImports } from "./architecture/imports.ts";
import { TOP_LEVEL } from "./architecture/rules.ts";

const sources = globSync("{daemon,client,protocol}/**/*.ts").sort();

test("the sources keep the directions", () => {
  expect(sources.length).toBeGreaterThan(0);
  expect(violations(new Map(sources.map((file) => [file, importsOf(file)])))).toEqual([]);
});

test("the top level stays short", () => {
  const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    encoding: "utf8",
  });
  const names = new Set(tracked.split("\n").map((file) => file.split("/", 1)[0] ?? ""));
  expect(
    [...names].filter((name) => !name.startsWith(".") && name !== "" && !TOP_LEVEL.includes(name)),
  ).toEqual([]);
});

/** One file with one line of source, as the checker sees it. */
function house(...files: readonly (readonly [file: string, source: string])[]): Imports {
  return new Map(files.map(([file, source]) => [file, parseImports(file, source)]));
}

describe("the checker allows", () => {
  test.each([
    ["daemon/rpc/dispatch.ts", 'import { a } from "../workspace/workspace.ts";'],
    ["daemon/rpc/dispatch.ts", 'import { a } from "../disk/durable.ts";'],
    ["daemon/workspace/workspace.ts", 'import { a } from "../staging/session.ts";'],
    ["daemon/store/database.ts", 'import Database from "better-sqlite3";'],
    ["daemon/main.ts", 'import { a } from "./rpc/server.ts";\nimport { pino } from "pino";'],
    ["daemon/iopiped.ts", 'const { main } = await import("./main.ts");'],
    ["daemon/watch/child.ts", 'import { subscribe } from "@parcel/watcher";'],
    ["daemon/staging/diff.ts", 'import { a } from "../../protocol/methods/patch.ts";'],
    ["client/connect.ts", 'import { a } from "../protocol/wire/framing.ts";'],
    ["client/connect.ts", 'import type { A } from "../protocol/methods/patch.ts";'],
    ["client/atomic.ts", 'export { writeDurably } from "../daemon/disk/durable.ts";'],
    ["client/cli/status.ts", 'import { connect } from "../index.ts";\nimport { Command } from "commander";'],
    ["client/cli/mcp.ts", 'await import(new URL("../mcp/main.ts", import.meta.url).href);'],
    [
      "client/mcp/tools/a.ts",
      'import { Path } from "../../../protocol/methods/values.ts";\nimport { z } from "zod";',
    ],
    ["protocol/index.ts", 'export * from "./wire/index.ts";\nexport * from "./methods/index.ts";'],
    ["daemon/disk/a.ts", 'const text = "import x from \'../rpc/server.ts\'"; // import "../rpc/server.ts"'],
  ])("%s: %s", (file, source) => {
    expect(violations(house([file, source]))).toEqual([]);
  });
});

describe("the checker refuses", () => {
  test.each([
    ["upwards", "daemon/store/database.ts", 'import { a } from "../staging/session.ts";'],
    ["upwards by type", "daemon/staging/session.ts", 'import type { A } from "../workspace/workspace.ts";'],
    ["upwards by import()", "daemon/disk/durable.ts", 'const { a } = await import("../store/blobs.ts");'],
    ["upwards by re-export", "daemon/disk/durable.ts", 'export { a } from "../store/blobs.ts";'],
    ["upwards by export *", "daemon/disk/durable.ts", 'export * from "../store/blobs.ts";'],
    ["upwards by a named type", "daemon/disk/durable.ts", 'export type A = import("../store/blobs.ts").A;'],
    ["upwards by require", "daemon/disk/durable.ts", 'const a = require("../store/blobs.ts");'],
    ["sideways", "daemon/staging/session.ts", 'import { a } from "../promotion/plan.ts";'],
    ["sideways by type", "daemon/watch/clock.ts", 'import type { A } from "../staging/session.ts";'],
    [
      "the protocol from disk",
      "daemon/disk/durable.ts",
      'import { a } from "../../protocol/wire/errors.ts";',
    ],
    ["the root", "daemon/rpc/server.ts", 'import { main } from "../main.ts";'],
    ["a part from the launcher", "daemon/iopiped.ts", 'import { a } from "./rpc/server.ts";'],
    ["the child", "daemon/watch/native.ts", 'import type { Message } from "./child.ts";'],
    ["the worker", "daemon/staging/diff.ts", 'import { diff } from "./diff-worker.ts";'],
    [
      "the daemon from the protocol",
      "protocol/methods/patch.ts",
      'import { a } from "../../daemon/disk/hash.ts";',
    ],
    ["methods from wire", "protocol/wire/errors.ts", 'import type { A } from "../methods/patch.ts";'],
    [
      "methods as values in a client",
      "client/connect.ts",
      'import { a } from "../protocol/methods/patch.ts";',
    ],
    ["methods in braces", "client/connect.ts", 'import { type A } from "../protocol/methods/patch.ts";'],
    ["the protocol's index", "client/cli/apply.ts", 'import type { A } from "../../protocol/index.ts";'],
    ["the daemon from a client", "client/connect.ts", 'import { a } from "../daemon/disk/durable.ts";'],
    ["more than disk", "client/atomic.ts", 'import { a } from "../daemon/store/blobs.ts";'],
    ["the commands from the library", "client/connect.ts", 'import { a } from "./cli/output.ts";'],
    ["the tests", "daemon/rpc/server.ts", 'import { a } from "../../test/harness.ts";'],
    ["no extension", "daemon/rpc/server.ts", 'import { a } from "./dispatch";'],
    ["SQL outside the store", "daemon/staging/session.ts", 'import type { Database } from "better-sqlite3";'],
    [
      "the watcher outside its child",
      "daemon/watch/native.ts",
      'import { subscribe } from "@parcel/watcher";',
    ],
    ["JSON-RPC outside rpc", "daemon/main.ts", 'import { JSONRPCServer } from "json-rpc-2.0";'],
    ["zod in wire", "protocol/wire/errors.ts", 'import { z } from "zod";'],
    ["zod by subpath", "daemon/rpc/server.ts", 'import { z } from "zod/mini";'],
    ["commander in the library", "client/connect.ts", 'import { Command } from "commander";'],
    ["pino in a part", "daemon/store/database.ts", 'import type { Logger } from "pino";'],
    ["a bare builtin", "daemon/disk/durable.ts", 'import fs from "fs";'],
    ["itself by name", "client/cli/apply.ts", 'import { connect } from "iopipe";'],
  ])("%s (%s)", (_, file, source) => {
    expect(violations(house([file, source]))).toHaveLength(1);
  });

  test("a cycle of values, but not of types", () => {
    const there = (word: string) =>
      house(
        ["daemon/disk/a.ts", 'import { b } from "./b.ts";'],
        ["daemon/disk/b.ts", 'export * from "./c.ts";'],
        ["daemon/disk/c.ts", `import ${word} { a } from "./a.ts";`],
      );
    expect(violations(there(""))).toEqual([
      "cycle: daemon/disk/a.ts → daemon/disk/b.ts → daemon/disk/c.ts → daemon/disk/a.ts",
    ]);
    expect(violations(there("type"))).toEqual([]);
  });

  test("an import whose target cannot be read", () => {
    expect(() => parseImports("daemon/main.ts", "await import(name);")).toThrow("not a literal");
  });
});
