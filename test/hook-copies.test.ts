/** The copies of staged content that a reader is pointed at: kept for a day, in a directory that is this user's alone. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { copiesDirectory, keepCopy } from "../client/hook/copies.ts";
import { type TestHome, testHome } from "./fixture/server.ts";

let home: TestHome;
beforeEach(() => {
  home = testHome();
  vi.stubEnv("TMPDIR", home.directory);
});
afterEach(() => {
  vi.unstubAllEnvs();
  home.remove();
});

const staged = (text: string, hash = createHash("sha256").update(text).digest("hex")) => ({
  bytes: Buffer.from(text),
  image: { exists: true, hash },
  origin: "staged" as const,
});

test("a copy has the file's name and its content, is this user's alone, and is made once", async () => {
  const copy = await keepCopy("src/a.ts", staged("a\n"));
  expect([path.basename(copy), readFileSync(copy, "utf8")]).toEqual(["a.ts", "a\n"]);
  expect(statSync(copiesDirectory()).mode & 0o777).toBe(0o700);
  const { ino } = statSync(copy);
  expect(await keepCopy("src/a.ts", staged("a\n"))).toBe(copy);
  expect(statSync(copy).ino).toBe(ino);
  // One that is not whole is made again.
  writeFileSync(copy, "");
  expect(readFileSync(await keepCopy("src/a.ts", staged("a\n")), "utf8")).toBe("a\n");
});

test("what nobody has read for a day is swept; what is read stays", async () => {
  const [old, read] = [await keepCopy("old", staged("old")), await keepCopy("read", staged("read"))];
  const twoDaysAgo = new Date(Date.now() - 2 * 24 * 3600 * 1000);
  for (const copy of [old, read]) utimesSync(path.dirname(copy), twoDaysAgo, twoDaysAgo);
  await keepCopy("read", staged("read"));
  await keepCopy("new", staged("new"));
  expect([existsSync(old), existsSync(read)]).toEqual([false, true]);
});

test("nothing is written through a directory that others may write, or that is none", async () => {
  mkdirSync(copiesDirectory());
  chmodSync(copiesDirectory(), 0o755);
  await expect(keepCopy("a", staged("a"))).rejects.toMatchObject({
    kind: "AccessDenied",
    message: `${copiesDirectory()} is not this user's alone.`,
  });
  rmSync(copiesDirectory(), { recursive: true });
  mkdirSync(path.join(home.directory, "theirs"), { mode: 0o700 });
  symlinkSync(path.join(home.directory, "theirs"), copiesDirectory());
  await expect(keepCopy("a", staged("a"))).rejects.toMatchObject({
    kind: "AccessDenied",
    message: `${copiesDirectory()} is no directory.`,
  });
});
