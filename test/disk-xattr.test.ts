/** The system calls on extended attributes, as they are made through the port on Linux. */
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTree } from "../daemon/disk/index.ts";
import { portOf } from "../daemon/disk/platform.ts";
import { getAttribute } from "../daemon/disk/syscalls.linux.ts";
import { canSet, extendedOf, setExtended } from "./fixture/extended.ts";

const hasUser = canSet("user.iopipe", "x");

let directory: string;
beforeAll(() => {
  directory = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "iopipe-xattr-")));
});
afterAll(() => fs.rmSync(directory, { recursive: true }));

function file(name: string): string {
  const path = join(directory, name);
  fs.writeFileSync(path, "");
  return path;
}

describe.runIf(hasUser)("on a file system that has them", () => {
  test("set, read and remove, whatever the bytes of name and value", () => {
    const path = file("a\n\"b\\' ä");
    const wanted: [string, Buffer][] = [
      ["user.\xff\n=", Buffer.from([0, 1, 255])],
      ["user.empty", Buffer.alloc(0)],
      ["user.long", Buffer.alloc(2000, "long")],
    ];
    for (const [attribute, value] of wanted) setExtended(path, attribute, value);
    setExtended(path, "user.gone", "x");
    setExtended(path, "user.gone", undefined);
    const found = extendedOf(path);
    for (const [attribute, value] of wanted)
      expect(found).toContainEqual([attribute, value.toString("latin1")]);
    expect(found.map(([name]) => name)).not.toContain("user.gone");
  });

  test("what is not there, or not possible, is said as Node says errors", () => {
    const path = file("f");
    expect(() => setExtended(path, "user.gone", undefined)).toThrow(
      expect.objectContaining({ code: "ENODATA", syscall: "lremovexattr" }),
    );
    expect(() => setExtended(path, "odd", "x")).toThrow(expect.objectContaining({ syscall: "lsetxattr" }));
    expect(() => extendedOf(join(directory, "absent"))).toThrow(
      expect.objectContaining({ code: "ENOENT", syscall: "llistxattr" }),
    );
  });

  test("no link is followed", () => {
    setExtended(file("target"), "user.x", "x");
    fs.symlinkSync("target", join(directory, "link"));
    expect(extendedOf(join(directory, "link"))).toEqual([]);
  });

  test("one that is removed between the list and its value is none", () => {
    const path = file("busy");
    expect(getAttribute(path, "user.none")).toBeUndefined();
  });
});

test("a file system without them has none", () => {
  const proc = openTree(`/proc/${process.pid}`).openRoot();
  expect(portOf("linux").readExtended(proc, "status").has("user.x")).toBe(false);
  fs.closeSync(proc.handle);
});
