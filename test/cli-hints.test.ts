/** The next steps that iopipectl prints: verbs to type, where the daemon names methods. */
import { expect, test } from "vitest";
import { hintOf } from "../client/cli/hints.ts";
import { VERBS } from "../client/cli/verbs.ts";
import { methods } from "../protocol/methods/index.ts";
import { ERRORS, type ErrorKind, IopipeError } from "../protocol/wire/errors.ts";
import { eachInRepository } from "./fixture/repositories.ts";

const { ctl } = eachInRepository();

const told = (hint: string): string => hintOf(new IopipeError("IoFailed", "It failed.", { hint }));
const names = [...methods.keys()];
const verbs = new Set(VERBS.map(({ name }) => name));

test.each(Object.keys(ERRORS) as ErrorKind[])("the next step after %s names no method as such", (kind) => {
  const hint = hintOf(new IopipeError(kind, "It failed.")).replaceAll(/rpc [a-z./]+/gi, "");
  expect(names.filter((method) => hint.includes(method))).toEqual([]);
});

test.each(names.filter((method) => /\W/.test(method)))("%s is told as what a person types", (method) => {
  const [, verb = "", argument] =
    /^Do it with `iopipectl (\w+) ?([^`]*)`\.$/.exec(told(`Do it with ${method}.`)) ?? [];
  expect(verbs).toContain(verb);
  if (verb === "rpc") expect(argument).toBe(method);
});

test("a verb that the hint has itself stays the only one, and a method of a later daemon is called", () => {
  expect(told("Use session/decide, or `iopipectl review -s s1`.")).toBe("Use `iopipectl review -s s1`.");
  expect(told("Ask session/later first; file/read has it.")).toBe(
    "Ask `iopipectl rpc session/later` first; `iopipectl cat PATH` has it.",
  );
});

test.each([
  "Say `iopipectl rpc operation/resolve '{}'`.",
  "Run: chmod 700 /home/me/session/list",
  "Look at src/file/read and file/read/x, file/read.ts and ./file/list.",
])("what only looks like a method is left alone: %s", (hint) => {
  expect(told(hint)).toBe(hint);
});

test("of a file that is listed, and of a diff that does not fit, `cat` is the next step", async () => {
  expect(await ctl(["ls", "src/a.txt"])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("Read it with `iopipectl cat PATH`, or list its directory."),
  });
  const diff = "--- a/b.txt\n+++ b/b.txt\n@@ -1,2 +1 @@\n-no such line\n-b\n+B\n";
  expect(await ctl(["stage", "--patch", "-"], { input: diff })).toMatchObject({
    code: 5,
    stderr: expect.stringMatching(/`iopipectl cat PATH`/),
  });
});
