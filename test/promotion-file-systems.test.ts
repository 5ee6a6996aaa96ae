/**
 * What a file system, a mount or a flag of a file refuses, on real ones: the answer's kind, the tree as it was, nothing
 * left behind; and that what only looks odd works. Mounting and setting flags want root: said loudly where it is not to be had.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canMount } from "./fixture/small-disk.ts";
import { type House, openHouse, type Root } from "./promotion/house.ts";

let house: House;
beforeAll(() => {
  house = openHouse();
});
afterAll(() => house.close());

const run = (program: string, ...args: string[]): void =>
  void execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });

function mounted(...args: string[]): () => void {
  run("mount", ...args);
  return () => run("umount", "--lazy", args.at(-1) as string);
}

function flagged(flag: string, path: string): () => void {
  run("chattr", `+${flag}`, path);
  return () => run("chattr", `-${flag}`, path);
}

/** Says loudly where not. */
const canFlag = ((): boolean => {
  const directory = fs.mkdtempSync(join(tmpdir(), "iopipe-flag-"));
  try {
    flagged("i", directory)();
    return true;
  } catch (error) {
    process.stderr.write(`NOT TESTED: immutable files in ${directory} (${(error as Error).message}).\n`);
    return false;
  } finally {
    fs.rmdirSync(directory);
  }
})();

/** Is done to a root whose files are `a`, `d/f` and `z`; says how it is taken back. */
type Deed = (root: Root) => () => void;

const REFUSED: Readonly<Record<string, readonly [kind: string, deed: Deed, mayLeave?: boolean]>> = {
  "an immutable file": ["AccessDenied", (root) => flagged("i", root.at("d/f"))],
  "a file that may only grow": ["AccessDenied", (root) => flagged("a", root.at("d/f"))],
  "an immutable directory": ["AccessDenied", (root) => flagged("i", root.at("d"))],
  // What was made in it cannot go before the flag does.
  "a directory that may only grow": ["AccessDenied", (root) => flagged("a", root.at("d")), true],
  "a file that something is mounted on": ["Busy", (root) => mounted("--bind", root.at("z"), root.at("d/f"))],
  "a directory that is mounted read-only": [
    "ReadOnly",
    (root) => {
      const undo = mounted("--bind", root.at("d"), root.at("d"));
      run("mount", "-o", "remount,ro,bind", root.at("d"));
      return undo;
    },
  ],
};

describe.runIf(canMount && canFlag).each(Object.entries(REFUSED))(
  "%s is left as it is",
  (_what, [kind, deed, mayLeave]) => {
    test.each([
      ["changed", "new"],
      ["removed", undefined],
    ])("where it should be %s, and so is the rest", async (_how, content) => {
      const root = house.root({ a: "a", "d/f": "old", z: "zzz" });
      const back = deed(root);
      try {
        const before = root.snapshot();
        const changes = [
          await house.change(root, "a", "A"),
          await house.change(root, "d/f", content),
          await house.change(root, "n/ew", "new"),
        ];
        await expect(house.apply(root, changes)).rejects.toMatchObject({ kind });
        expect(root.snapshot()).toEqual(mayLeave ? expect.objectContaining(before) : before);
      } finally {
        back();
      }
      await house.recover(root);
      expect(root.snapshot()).toEqual({ a: "644 a", "d/": "755", "d/f": "644 old", z: "644 zzz" });
    });
  },
);

const FINE: Readonly<Record<string, Deed>> = {
  "a directory that is mounted from elsewhere": (root) => {
    fs.mkdirSync(root.at("../elsewhere"), { recursive: true });
    const undo = mounted("--bind", root.at("../elsewhere"), root.at("d"));
    root.write({ "d/f": "old" });
    return undo;
  },
  "another file system": (root) => {
    const undo = mounted("-t", "tmpfs", "iopipe-test", root.at("d"));
    root.write({ "d/f": "old" });
    return undo;
  },
  overlayfs: (root) => {
    const layers = fs.mkdtempSync(`${root.path}-layers`);
    const undoDisk = mounted("-t", "tmpfs", "iopipe-test", layers);
    for (const name of ["lower", "upper", "work"]) fs.mkdirSync(`${layers}/${name}`);
    fs.writeFileSync(`${layers}/lower/f`, "old");
    const options = `lowerdir=${layers}/lower,upperdir=${layers}/upper,workdir=${layers}/work`;
    const undo = mounted("-t", "overlay", "-o", options, "iopipe-test", root.at("d"));
    return () => {
      undo();
      undoDisk();
    };
  },
};

test.runIf(canMount).each(Object.entries(FINE))(
  "%s is no obstacle: changed, removed, made, renamed, and undone",
  async (_what, deed) => {
    const root = house.root({ a: "a", "d/f": "old", z: "z" });
    const back = deed(root);
    try {
      const before = root.snapshot();
      const first = await house.apply(root, [
        await house.change(root, "d/f", { text: "new", mode: 0o755 }),
        await house.change(root, "d/n/ew", "made"),
        await house.change(root, "a", "A"),
      ]);
      expect(root.snapshot()).toMatchObject({ "d/f": "755 new", "d/n/ew": "644 made", a: "644 A" });
      const second = await house.apply(root, await house.rename(root, "d/f", "d/g"));
      await house.undo(root, second);
      await house.undo(root, first);
      const third = await house.apply(root, [await house.change(root, "d/f", undefined)]);
      await house.undo(root, third);
      await house.recover(root);
      expect(root.snapshot()).toEqual(before);
    } finally {
      back();
    }
  },
);
