/** What a model is told to do next names only what it has: the daemon's hints speak of methods, and the ways in translate them. */
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { WORDS as HOOK } from "../client/hook/words.ts";
import { WORDS as MCP } from "../client/mcp/words.ts";
import { nextStep } from "../client/next-step.ts";
import { methods } from "../protocol/methods/index.ts";
import { ERRORS, type ErrorKind } from "../protocol/wire/errors.ts";

const ROOT = path.resolve(import.meta.dirname, "..");
const METHOD_NAMES = [...methods.keys()].filter((name) => /\W/.test(name));

/** Every hint of the daemon's that names a method, as it stands in the source. */
const HINTS = [
  ...Object.values(ERRORS).map(({ hint }) => hint as string),
  ...globSync("daemon/**/*.ts", { cwd: ROOT }).flatMap((file) =>
    [...readFileSync(path.join(ROOT, file), "utf8").matchAll(/["`](?=[A-Z])[^"\n]*["`]/g)].map(([text]) =>
      text.slice(1, -1),
    ),
  ),
].filter((text) => named(text).length > 0);

function named(text: string): string[] {
  return METHOD_NAMES.filter((name) => text.replaceAll(/`iopipectl[^`]*(`|$)/g, "").includes(name));
}

test("there are such hints", () => {
  expect(HINTS.length).toBeGreaterThan(15);
  expect(HINTS.flatMap(named)).toEqual(expect.arrayContaining(["file/read", "session/diff", "rpc.discover"]));
});

test.each([
  ["the hook", HOOK],
  ["MCP", MCP],
])("%s names no method in any of them, of an error's own or of its kind", (_, words) => {
  for (const hint of HINTS) expect(named(nextStep("IoFailed", hint, words)), hint).toEqual([]);
  for (const kind of Object.keys(ERRORS) as ErrorKind[])
    expect(named(nextStep(kind, ERRORS[kind].hint, words)), kind).toEqual([]);
});

test("a path or a command that looks like a method stays; a verb beside a method is not said twice", () => {
  for (const hint of [
    "Run: chmod 700 /home/me/file/read",
    "Say `iopipectl rpc operation/undo`.",
    "See file/read.ts, ask session/later.",
  ])
    expect(nextStep("IoFailed", hint, MCP)).toBe(hint);
  expect(nextStep("WorkspaceNotFound", ERRORS.WorkspaceNotFound.hint, HOOK)).toBe(
    "Open it with the person's `iopipectl open DIR`.",
  );
});
