/** The directories that the environment names: made, or refused at once with a sentence, by the daemon and by a client. */
import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { makeDirectory } from "../protocol/wire/make-directory.ts";
import { iopipectl } from "./fixture/cli.ts";
import { spawnDaemon } from "./fixture/daemon.ts";
import { testHome } from "./fixture/server.ts";

const kindOf = (directory: string): string => {
  try {
    makeDirectory(directory);
    return "made";
  } catch (error) {
    return `${(error as { kind: string }).kind}: ${(error as Error).message}`;
  }
};

test("it is made with all above it, private, and what is there is left alone", async () => {
  await using home = testHome();
  const deep = path.join(home.directory, "a", "b", "c");
  makeDirectory(deep);
  expect(statSync(path.dirname(deep)).mode & 0o777).toBe(0o700);
  mkdirSync(path.join(home.directory, "open"), { mode: 0o755 });
  makeDirectory(path.join(home.directory, "open"));
  expect(statSync(path.join(home.directory, "open")).mode & 0o777).toBe(0o755);
  makeDirectory("/");
});

test("what is in the way is named with its code", async () => {
  await using home = testHome();
  const at = (...names: string[]) => path.join(home.directory, ...names);
  writeFileSync(at("file"), "");
  symlinkSync("nowhere", at("dangling"));
  expect(kindOf(at("file", "x", "y"))).toBe(`IoFailed: ${at("file", "x", "y")} cannot be made (ENOTDIR).`);
  expect(kindOf(at("dangling", "x"))).toBe(`IoFailed: ${at("dangling", "x")} cannot be made (ENOENT).`);
  expect(kindOf(at("n".repeat(256)))).toMatch(/^NameTooLong: .*\(ENAMETOOLONG\)\.$/);
});

// Node's recursive mkdir never comes back from there.
test.runIf(existsSync("/proc/self"))("below /proc, daemon and client say so at once", async () => {
  await using home = testHome();
  const env = { ...home.env, IOPIPE_STATE_DIR: "/proc/nope/state" };
  await expect(spawnDaemon(env)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^iopiped: \/proc\/nope cannot be made \(ENOENT\)\. Set IOPIPE_STATE_DIR/),
  });
  const { code, stderr } = await iopipectl(home, ["status"], { env });
  expect(code).toBe(1);
  expect(stderr).toContain("/proc/nope cannot be made (ENOENT).");
  expect(stderr).toContain("Set IOPIPE_STATE_DIR");
});
