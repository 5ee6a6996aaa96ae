/**
 * Files and directories that the daemon's user may not change as it would have to: refused, the tree as it was, nothing
 * left. Root may do everything: the daemon is started without that power, which only root can take from it.
 */
import { chmodSync, chownSync, lstatSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChangeInput } from "../../client/index.ts";
import { openScene, type Scene } from "./scene.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write("NOT TESTED: other users' files; this is not root.\n");

const POWERLESS = [
  "setpriv",
  ...["--bounding-set", "-dac_override,-dac_read_search,-fowner,-chown", "--inh-caps", "-all"],
];

const SOMEBODY = 4321;

let scene: Scene;
beforeAll(async () => {
  if (isRoot) scene = await openScene({ files: { a: "a\n" }, killable: true, through: POWERLESS });
});
afterAll(() => scene?.[Symbol.asyncDispose]());

const own = (...paths: string[]): void => {
  for (const path of paths) chownSync(scene.at(path), SOMEBODY, SOMEBODY);
};

/** What is done to a directory and its file `f`, and the changes of that which are allowed all the same. */
const PLACES: Readonly<Record<string, readonly [deed: (directory: string) => void, allowed?: string]>> = {
  "a file of somebody else's in a sticky directory": [
    (directory) => {
      chmodSync(scene.at(directory), 0o1777);
      own(directory, `${directory}/f`);
    },
  ],
  "a directory that may not be written to": [
    (directory) => chmodSync(scene.at(directory), 0o555),
    "chmodded",
  ],
  // Its owner could not be kept, but for one that goes.
  "a file of somebody else's": [(directory) => own(`${directory}/f`), "removed"],
};

const CHANGES: Readonly<Record<string, (directory: string) => ChangeInput>> = {
  changed: (directory) => ({ kind: "write", path: `${directory}/f`, content: "new\n" }),
  removed: (directory) => ({ kind: "delete", path: `${directory}/f` }),
  renamed: (directory) => ({ kind: "rename", path: `${directory}/f`, to: `${directory}-g` }),
  chmodded: (directory) => ({ kind: "chmod", path: `${directory}/f`, mode: 0o700 }),
};

let directories = 0;

describe.runIf(isRoot).each(Object.entries(PLACES))("%s", (_place, [prepare, allowed]) => {
  test.each(Object.entries(CHANGES))("to be %s", async (how, changeIn) => {
    const directory = `d${++directories}`;
    scene.write(`${directory}/f`, "old\n");
    scene.write("a", "a\n");
    prepare(directory);
    const [before, owner] = [scene.tree(), lstatSync(scene.at(`${directory}/f`)).uid];
    const session = await scene.reviewer.openSession({ workspace: scene.workspace });
    await session.stage([{ kind: "write", path: "a", content: "A\n" }, changeIn(directory)]);
    const applied = session.apply((await session.diff()).digest ?? "");
    if (how === allowed) {
      expect((await applied).operation.state).toBe("committed");
      return;
    }
    await expect(applied).rejects.toMatchObject({ kind: "AccessDenied" });
    expect(scene.tree()).toEqual(before);
    expect(lstatSync(scene.at(`${directory}/f`)).uid).toBe(owner);
  });
});
