/** Watching how much of the disk a command takes, with real files. */
import { getEventListeners } from "node:events";
import { appendFileSync, linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { outgrown, outgrownError } from "../protocol/wire/room.ts";
import { canMount, smallDisk } from "./fixture/small-disk.ts";

const MIB = 1024 * 1024;
let base: string;
let directory: string;
const over = { now: new AbortController() };

beforeEach(() => {
  base = mkdtempSync(path.join(tmpdir(), "iop-room-"));
  directory = path.join(base, "layer");
  mkdirSync(path.join(directory, "upper/deep"), { recursive: true });
  over.now = new AbortController();
});
afterEach(() => {
  over.now.abort();
  rmSync(base, { recursive: true, force: true });
});

const MiBs = (count: number): Buffer => Buffer.alloc(count * MIB, "x");

test("what others write on the same disk is not the command's, nor is what was there before", async () => {
  writeFileSync(path.join(directory, "upper/before"), MiBs(20));
  const watched = outgrown({ directory, maxBytes: 10 * MIB }, over.now.signal);
  writeFileSync(path.join(base, "by-others"), MiBs(40));
  const file = path.join(directory, "upper/deep/file");
  writeFileSync(file, MiBs(4));
  linkSync(file, path.join(directory, "upper/again"));
  const early = await Promise.race([watched, new Promise((resolve) => setTimeout(resolve, 2500, "none"))]);
  expect(early).toBe("none");
  appendFileSync(file, MiBs(30));
  const found = await watched;
  expect(found).toMatchObject({ directory, maxBytes: 10 * MIB });
  if (!found) throw new Error("not reached");
  const error = await outgrownError(found, "Next.");
  const [, bytes] = /limit is 10485760 bytes: what it wrote takes (\d+) bytes/.exec(error.message) ?? [];
  expect(Math.round(Number(bytes) / MIB)).toBe(34);
  expect(error).toMatchObject({ kind: "TooLarge", data: { path: directory, hint: "Next." } });
});

test("a command that has ended is watched no longer, nor is a layer that is gone", async () => {
  const watched = outgrown({ directory, maxBytes: MIB }, over.now.signal);
  over.now.abort();
  expect(await watched).toBeUndefined();
  const missing = path.join(base, "missing");
  expect(await outgrown({ directory: missing, maxBytes: MIB }, new AbortController().signal)).toBeUndefined();
});

test.runIf(canMount)("half of what was free is kept free, where that is not much", async () => {
  using disk = smallDisk(16 * MIB);
  const watched = outgrown({ directory: disk.path, maxBytes: 100 * MIB }, over.now.signal);
  // It has looked, and waits for the next look: what was free at the start is known.
  await expect.poll(() => getEventListeners(over.now.signal, "abort"), { interval: 1 }).toHaveLength(1);
  writeFileSync(path.join(disk.path, "file"), MiBs(10));
  expect(await watched).toMatchObject({ floor: expect.closeTo(8 * MIB, -5), free: expect.any(Number) });
});
