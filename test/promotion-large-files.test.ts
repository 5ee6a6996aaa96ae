/** Promoting files that are too large for memory and for one turn of the event loop. */
import * as fs from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTree } from "../daemon/disk/index.ts";
import { portOf } from "../daemon/disk/platform.ts";
import { type House, openHouse, type Root } from "./promotion/house.ts";
import { errno, portWith } from "./promotion/ports.ts";

/** Above what is unlinked on the event loop. */
const LARGE_BYTES = 17 * 1024 * 1024;

let house: House;
beforeAll(() => {
  house = openHouse();
});
afterAll(() => house.close());

function withLarge(): Root {
  const root = house.root({ f: "" });
  fs.truncateSync(root.at("f"), LARGE_BYTES);
  return root;
}

test("a large file that goes is freed by the close of its last descriptor, off the event loop", async () => {
  const root = withLarge();
  const change = await house.change(root, "f", undefined);
  const closing: unknown[] = [];
  const port = portWith((real) => ({
    close: (file) => {
      const orphaned = fs.fstatSync(file).nlink === 0;
      const closed = real.close(file);
      if (orphaned) closing.push(closed);
      return closed;
    },
  }));
  await house.apply(root, [change], { tree: openTree(root.path, [], port) });
  expect(closing).toEqual([expect.any(Promise)]);
  expect(root.snapshot()).toEqual({});
});

test("one that may not be read is freed all the same", async () => {
  const root = withLarge();
  const change = await house.change(root, "f", undefined);
  const real = portOf("linux");
  const port = portWith(() => ({
    unlink: (dir, name) => {
      expect(name).toMatch(/^\.iopipe-/);
      real.unlink(dir, name);
    },
    openFile: async (dir, name) => {
      if (!name.startsWith(".iopipe-") || !closed) return real.openFile(dir, name);
      throw errno("EACCES", "open");
    },
    close: (file) => {
      // The look for a late edit is the last that opens it.
      closed ||= fs.readlinkSync(`/proc/self/fd/${file}`).includes(".iopipe-");
      return real.close(file);
    },
  }));
  let closed = false;
  await house.apply(root, [change], { tree: openTree(root.path, [], port) });
  expect(closed).toBe(true);
  expect(root.snapshot()).toEqual({});
});

test("a cancel in the middle of a large file leaves nothing, and progress is told in bytes", async () => {
  for (const phase of ["inspect", "keep", "prepare", "compare"]) {
    const root = house.root({ f: phase });
    fs.truncateSync(root.at("f"), LARGE_BYTES);
    const before = root.snapshot();
    const change = await house.change(root, "f", "x".repeat(LARGE_BYTES));
    const cancel = new AbortController();
    const seen: number[] = [];
    const progress = (name: string, done: number, total: number) => {
      if (name !== phase) return;
      expect(total).toBe(LARGE_BYTES);
      seen.push(done);
      if (done > LARGE_BYTES / 2) cancel.abort();
    };
    const applying = house.apply(root, [change], { signal: cancel.signal, progress });
    await expect(applying).rejects.toMatchObject({ kind: "Cancelled" });
    expect(seen.at(-1)).toBeLessThan(LARGE_BYTES);
    expect(root.snapshot()).toEqual(before);
    expect(house.store.blobs.has((change.before.hash as string) ?? "")).toBe(
      phase === "prepare" || phase === "compare",
    );
  }
});
