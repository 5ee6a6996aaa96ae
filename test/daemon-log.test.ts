import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { openLog } from "../daemon/log.ts";
import { testHome } from "./fixture/server.ts";
import { canMount, smallDisk } from "./fixture/small-disk.ts";

test("lines are there when the call returns, for the owner alone", async () => {
  await using home = testHome();
  const file = path.join(home.directory, "a.log");
  const { log, close } = openLog(file);
  log.child({ request: "1.1" }).info({ ms: 3 }, "answered");
  log.debug("not at this level");
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
    request: "1.1",
    ms: 3,
    msg: "answered",
    level: 30,
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  close();
  log.info("after the end, to nowhere");
  close();
  expect(readFileSync(file, "utf8").split("\n")).toHaveLength(2);
});

test("a log that has grown is rotated while running, and three files are kept", async () => {
  await using home = testHome();
  const file = path.join(home.directory, "a.log");
  const { log, close } = openLog(file, { maxBytes: 1000 });
  for (let line = 0; line < 100; line++) log.info({ line }, "x".repeat(100));
  close();
  expect(readdirSync(home.directory).sort()).toEqual(["a.log", "a.log.1", "a.log.2"]);
  const lines = ["a.log.2", "a.log.1", "a.log"].flatMap((name) =>
    readFileSync(path.join(home.directory, name), "utf8").trim().split("\n"),
  );
  const numbers = lines.map((line) => JSON.parse(line).line);
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => 100 - numbers.length + index));
});

test("a log that was large at the start is rotated then", async () => {
  await using home = testHome();
  const file = path.join(home.directory, "a.log");
  writeFileSync(file, "old\n".repeat(500));
  const { log, close } = openLog(file, { maxBytes: 1000 });
  log.info("new");
  close();
  expect(readFileSync(`${file}.1`, "utf8")).toMatch(/^old/);
  expect(readFileSync(file, "utf8")).toContain("new");
});

test("a log that cannot be rotated or written is no reason to stop", async () => {
  await using home = testHome();
  const file = path.join(home.directory, "log", "a.log");
  mkdirSync(path.dirname(file));
  const { log, close } = openLog(file, { maxBytes: 10 });
  log.info("one");
  rmSync(path.dirname(file), { recursive: true });
  log.info("two");
  expect(existsSync(file)).toBe(false);
  close();
});

test.runIf(canMount)("on a full disk every line is whole", () => {
  using disk = smallDisk(256 * 1024);
  const file = path.join(disk.path, "a.log");
  const { log, close } = openLog(file);
  log.info("first");
  disk.fill(4096);
  for (let line = 0; line < 100; line++) log.info({ line }, "x".repeat(300));
  disk.empty();
  log.info("last");
  close();
  const lines = readFileSync(file, "utf8").trim().split("\n");
  const messages = lines.map((line) => JSON.parse(line).msg);
  expect(messages.length).toBeLessThan(50);
  expect([messages[0], messages.at(-1)]).toEqual(["first", "last"]);
});

test("an unknown level is info, and said so", async () => {
  await using home = testHome();
  const file = path.join(home.directory, "a.log");
  const { log, close } = openLog(file, { level: "loud" });
  expect(log.level).toBe("info");
  expect(readFileSync(file, "utf8")).toContain("IOPIPE_LOG is no level");
  close();
});
