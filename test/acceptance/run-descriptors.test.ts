/**
 * The descriptors that a command in a layer has: whoever has one of the real tree is not held by what is mounted over it
 * (proc_pid_fd(5)).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { IOPIPECTL } from "../fixture/cli.ts";
import { canLayer } from "./layers.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();
const FILES = { a: "a\n", list: "one\ntwo\n" };

/** Runs a script with these open, a path of the tree by its number. */
async function runWith({ home, root }: Scene, open: Readonly<Record<number, string>>, script: string) {
  const numbers = Object.keys(open).map(Number);
  const stdio = Array.from({ length: Math.max(3, ...numbers.map((fd) => fd + 1)) }, (_, fd) =>
    open[fd] === undefined
      ? fd === 1 || fd === 2
        ? "pipe"
        : "ignore"
      : openSync(path.join(root, open[fd]), "r"),
  );
  const child = spawn(process.execPath, [IOPIPECTL, "run", "--discard", "--", "sh", "-c", script], {
    cwd: root,
    env: home.env,
    stdio,
  });
  for (const fd of stdio) if (typeof fd === "number") closeSync(fd);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout as Readable),
    text(child.stderr as Readable),
    once(child, "exit"),
  ]);
  return { code, stdout, stderr };
}

test.runIf(canLayer)("what was open before is not open in the layer, whatever its number", async () => {
  await using scene = await openScene({ on: stage(), files: FILES });
  const script =
    "for fd in 3 4 20 40; do echo out > /proc/self/fd/$fd/a; echo out > /proc/self/fd/$fd; done; cat a";
  const { stdout } = await runWith(scene, { 4: ".", 20: ".", 40: "a" }, script);
  expect(stdout).toBe("a\n");
  expect(scene.read("a")).toBe("a\n");
});

test.runIf(canLayer)("a file of the tree as stdin comes through, and cannot be opened again", async () => {
  await using scene = await openScene({ on: stage(), files: FILES });
  const { code, stdout } = await runWith(scene, { 0: "list" }, "cat; echo out > /proc/self/fd/0; exit 7");
  expect({ code, stdout }).toEqual({ code: 7, stdout: "one\ntwo\n" });
  expect(scene.read("list")).toBe("one\ntwo\n");
  expect(await runWith(scene, { 0: "list" }, "true")).toMatchObject({ code: 0 });
});

test("a directory is no stdin", async () => {
  await using scene = await openScene({ on: stage(), files: FILES });
  const { code, stderr } = await runWith(scene, { 0: "." }, "echo out > /proc/self/fd/0/a");
  expect({ code, stderr }).toEqual({ code: 125, stderr: expect.stringContaining("stdin is a directory") });
  expect(scene.read("a")).toBe("a\n");
});
