/** Promotion on real files: what an apply, an undo and a redo leave on disk and in the journal. */
import * as fs from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type House, MIXED_TREE, mixedChange, openHouse } from "./promotion/house.ts";

let house: House;
beforeAll(() => {
  house = openHouse();
});
afterAll(() => house.close());

test("a mixed patch of eight files is applied, undone and redone, byte and mode identical at each end", async () => {
  const root = house.root(MIXED_TREE);
  fs.chmodSync(root.at("gone"), 0o2750);
  const before = root.snapshot();

  const applied = await house.apply(root, await mixedChange(house, root));
  const after = root.snapshot();
  expect(applied.phase).toBe("applied");
  expect(after).toEqual({
    "a/": before["a/"],
    "a/one.txt": "644 ONE\n",
    "a/run.sh": "755 #!/bin/sh\n",
    "b/": before["b/"],
    "b/two.txt": "600 TWO\r\n",
    "c.txt": "640 old name\n",
    link: "-> a/one.txt",
    "new/": "755",
    "new/deep/": "755",
    "new/deep/x.txt": "644 x",
    "new/deep/y.txt": "755 ",
    "untouched.txt": "644 stays\n",
  });

  const undone = await house.undo(root, applied);
  expect(root.snapshot()).toEqual(before);

  const redone = await house.undo(root, undone);
  expect(root.snapshot()).toEqual(after);

  await house.undo(root, redone);
  expect(root.snapshot()).toEqual(before);
});
