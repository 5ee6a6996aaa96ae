/**
 * The sweeps: a mixed patch of eight files, promoted, undone and recovered, with the process stopped or an
 * error thrown at every single call that it makes on the disk and on the store. Whatever happens, the tree is all old
 * or all new, the answer says which, and no file of ours is left. On real files; what a power cut leaves, and a second
 * death while recovering, are the model's (promotion-model.test.ts).
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTree } from "../daemon/disk/index.ts";
import { type PromotionRequest, planUndo, promote } from "../daemon/promotion/index.ts";
import { type House, MIXED_TREE, mixedChange, openHouse, QUICK, type Root } from "./promotion/house.ts";
import { counting, crashingAt, type Fault, failingAt, faulty } from "./promotion/ports.ts";

let house: House;
beforeAll(() => {
  house = openHouse(QUICK);
});
afterAll(() => house.close());

type Snapshot = Record<string, string>;

/** One promotion to be tortured: a fresh root, and the two states that it may end in. */
interface Case {
  readonly root: Root;
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly request: Omit<PromotionRequest, "tree">;
}

async function applyCase(): Promise<Case> {
  const root = house.root(MIXED_TREE);
  const before = root.snapshot();
  const transitions = await mixedChange(house, root);
  return { root, before, after: applied, request: { workspace: root.workspace, kind: "apply", transitions } };
}

async function undoCase(): Promise<Case> {
  const root = house.root(MIXED_TREE);
  const after = root.snapshot();
  const operation = await house.apply(root, await mixedChange(house, root));
  const plan = await planUndo(house.store.operations.require(operation.id), openTree(root.path));
  const { transitions, makeDirectories, removeDirectories } = plan;
  return {
    root,
    before: root.snapshot(),
    after,
    request: {
      ...{ workspace: root.workspace, kind: "undo", undoes: operation.id },
      ...{ transitions, makeDirectories, removeDirectories },
    },
  };
}

/** Files take the places of directories and links, and the other way round. */
async function swapCase(): Promise<Case> {
  const root = house.root({ a: "file", "d/x": "x", "d/e/y": "y", link: "-> d" });
  const absent = { before: { exists: false } };
  const transitions = [
    await house.change(root, "a/b", "below", absent),
    await house.change(root, "d", "a file", absent),
    await house.change(root, "link/x", "no link", absent),
    ...(await Promise.all(["a", "d/x", "d/e/y", "link"].map((path) => house.change(root, path, undefined)))),
  ];
  const after = { "a/": "755", "a/b": "644 below", d: "644 a file", "link/": "755", "link/x": "644 no link" };
  return {
    root,
    before: root.snapshot(),
    after,
    request: { workspace: root.workspace, kind: "apply", transitions },
  };
}

const CASES = { apply: applyCase, undo: undoCase, swap: swapCase };

/** What the mixed tree becomes. */
let applied: Snapshot;
beforeAll(async () => {
  const root = house.root(MIXED_TREE);
  await house.apply(root, await mixedChange(house, root));
  applied = root.snapshot();
});

function run({ root, request }: Case, fault: Fault): Promise<string> {
  const { tree, store } = faulty(root.path, house.store, fault);
  return promote({ ...request, tree }, store).then(
    ({ phase }) => phase,
    (error) => `threw ${error.kind}`,
  );
}

/** The tree is one of the two, the journal is closed and agrees, and recovering again changes nothing. */
async function expectWhole({ root, before, after }: Case, at: string): Promise<"before" | "after"> {
  const now = root.snapshot();
  const [newest] = house.store.operations.list({ workspace: root.workspace }, { limit: 1 });
  const open = house.store.operations.openJournals(root.workspace);
  const isAfter = JSON.stringify(now) === JSON.stringify(after);
  expect(isAfter ? after : now, at).toEqual(isAfter ? after : before);
  expect(open, at).toEqual([]);
  if (newest?.kind === undefined) return "before";
  return isAfter ? "after" : "before";
}

/** The names of the calls that the case makes, in order. */
async function callsOf(make: () => Promise<Case>): Promise<readonly string[]> {
  const fault = counting();
  await run(await make(), fault);
  return fault.names;
}

describe.each(Object.keys(CASES) as (keyof typeof CASES)[])("%s", (name) => {
  test("killed at every call, then recovered", { timeout: 300_000 }, async () => {
    const { length: total } = await callsOf(CASES[name]);
    const seen = { before: 0, after: 0 };
    for (let at = 1; at <= total; at++) {
      const one = await CASES[name]();
      await run(one, crashingAt(at));
      await house.recover(one.root);
      const end = await expectWhole(one, `killed at call ${at} of ${total}`);
      seen[end]++;
      const [newest] = house.store.operations.list({ workspace: one.root.workspace }, { limit: 1 });
      if (newest?.undoes === one.request.undoes)
        expect(newest?.phase ?? "aborted", `call ${at}`).toBe(end === "after" ? "applied" : "aborted");
    }
    expect(seen.before).toBeGreaterThan(20);
    expect(seen.after).toBeGreaterThan(20);
  });

  test.each(name === "apply" ? ["EIO", "ENOSPC"] : ["EIO"])(
    "%s at every call",
    { timeout: 300_000 },
    async (code) => {
      const { length: total } = await callsOf(CASES[name]);
      for (let at = 1; at <= total; at++) {
        const one = await CASES[name]();
        const answer = await run(one, failingAt(at, code));
        // Where the way back or the cleaning failed too, the journal says so; nothing else may be left.
        if (house.store.operations.openJournals(one.root.workspace).length > 0) await house.recover(one.root);
        const end = await expectWhole(one, `${code} at call ${at} of ${total}`);
        expect(answer === "applied", `${answer} at call ${at}`).toBe(end === "after");
      }
    },
  );
});
