/** The journal's rows: what they become on the wire, what they make of patches, and how they are found. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Closing, newId, type OperationRow, operationToWire } from "../daemon/store/index.ts";
import { type House, openHouse, type Root } from "./promotion/house.ts";

let house: House;
beforeAll(() => {
  house = openHouse();
});
afterAll(() => house.close());

const ABSENT = { exists: false };

function session(root: Root): string {
  const id = newId("s");
  house.store.sessions.insert({ id, workspace: root.workspace, title: "t", role: "reviewer" });
  return id;
}

function patch(root: Root, owner: string, path: string): string {
  const id = newId("p");
  const common = {
    added: 0,
    removed: 0,
    binary: false,
    fullReplace: false,
    breakHardLinks: false,
    findings: {},
  } as const;
  house.store.patches.insert({
    ...{ ...common, id, session: owner, workspace: root.workspace, path, kind: "create" },
    ...{ base: ABSENT, after: { exists: true, type: "file" } },
  });
  return id;
}

function begin(root: Root, files: { path: string; patch?: string }[], more: object = {}): OperationRow {
  return house.store.operations.begin({
    ...{ workspace: root.workspace, kind: "apply", madeDirectories: [], removedDirectories: [], ...more },
    files: files.map((file) => ({ ...file, before: ABSENT, after: { exists: true, type: "file" } })),
  });
}

function close(
  row: OperationRow,
  outcomes: ("before" | "after" | "foreign")[],
  more: Partial<Closing> = {},
): OperationRow {
  return house.store.operations.close(row.id, {
    ...{ phase: "applied", swept: true, madeDirectories: [], removedDirectories: [], ...more },
    files: outcomes.map((outcome, n) => ({ n, outcome })),
  });
}

const standing = (id: string) => {
  const { state, reason, operation } = house.store.patches.require(id);
  return [state, reason, operation];
};

test("patches are Applied by a committed operation, Discarded by its undo, Applied again by the undo's undo", () => {
  const root = house.root();
  const owner = session(root);
  const id = patch(root, owner, "a");
  const applied = close(begin(root, [{ path: "a", patch: id }], { session: owner, digest: "d" }), ["after"]);
  expect(standing(id)).toEqual(["Applied", undefined, applied.id]);
  const undo = close(begin(root, [{ path: "a", patch: id }], { kind: "undo", undoes: applied.id }), [
    "after",
  ]);
  expect(standing(id)).toEqual(["Discarded", "undone", applied.id]);
  close(begin(root, [{ path: "a", patch: id }], { kind: "undo", undoes: undo.id }), ["after"]);
  expect(standing(id)).toEqual(["Applied", undefined, applied.id]);
  expect(house.store.operations.lastWithDigest(owner, "d")?.id).toBe(applied.id);
  expect(house.store.operations.lastWithDigest(owner, "e")).toBeUndefined();
  expect(house.store.operations.patchesOf(applied.id)).toEqual([id]);
});

test("what needs attention moves each patch by its file: after, before, foreign; a rename only as a whole", () => {
  const root = house.root();
  const owner = session(root);
  const ids = ["after", "before", "foreign", "rename"].map((path) => patch(root, owner, path));
  const [after, before, foreign, rename] = ids as [string, string, string, string];
  const files = [
    { path: "after", patch: after },
    { path: "before", patch: before },
    { path: "foreign", patch: foreign },
    { path: "rename-old", patch: rename },
    { path: "rename-new", patch: rename },
    { path: "nobody's" },
  ];
  const row = begin(root, files, { session: owner });
  close(row, ["after", "before", "foreign", "after", "before", "after"], {
    phase: "attention",
    error: "edited",
  });
  expect(ids.map((id) => standing(id).slice(0, 2))).toEqual([
    ["Applied", undefined],
    ["Pending", undefined],
    ["Discarded", "stale"],
    ["Pending", undefined],
  ]);
  const events = house.store.events.since(0, { session: owner }, 100);
  expect(events.map(({ type }) => type)).toEqual([
    "operation/started",
    "patch/stale",
    "operation/needsAttention",
  ]);
  expect(events[1]?.body).toMatchObject({ patch: { id: foreign, state: "Discarded", reason: "stale" } });
  const undo = begin(root, [{ path: "after", patch: after }], { kind: "undo", undoes: row.id });
  close(undo, ["foreign"], { phase: "attention" });
  expect(standing(after)[0]).toBe("Applied");
});

test("a rolled back operation moves no patch; a purged or moved patch is no obstacle", () => {
  const root = house.root();
  const owner = session(root);
  const kept = patch(root, owner, "kept");
  close(begin(root, [{ path: "kept", patch: kept }]), ["before"], { phase: "aborted" });
  expect(standing(kept)[0]).toBe("Pending");
  house.store.patches.move(kept, { state: "Discarded", reason: "discarded" });
  const row = begin(root, [
    { path: "kept", patch: kept },
    { path: "gone", patch: "p-purged" },
  ]);
  expect(close(row, ["after", "after"]).phase).toBe("applied");
  expect(standing(kept)[0]).toBe("Discarded");
  expect(house.store.operations.patchesOf(row.id)).toEqual([kept, "p-purged"]);
});

test("the wire sees four states, outcomes, and until when an undo is promised", () => {
  const root = house.root();
  const more = { session: session(root), title: "t", agent: "a", by: "b", undoes: "o1", kind: "undo" };
  const row = begin(root, [{ path: "a" }, { path: "b" }], more);
  expect(operationToWire(row)).toMatchObject({
    state: "running",
    title: "t",
    agent: "a",
    kind: "undo",
    undoes: "o1",
  });
  expect(operationToWire(row)).not.toHaveProperty("undoableUntil");
  house.store.operations.decide(row.id, new Map([[0, "12"]]));
  house.store.operations.rollBack(row.id, "why");
  expect(house.store.operations.require(row.id)).toMatchObject({
    phase: "rollback",
    error: "why",
    files: [{ temporaryIno: "12" }, {}],
  });
  const closed = close(row, ["before", "foreign"], { phase: "attention" });
  expect(operationToWire(closed)).toMatchObject({
    state: "needsAttention",
    files: [{ outcome: "before" }, { outcome: "foreign" }],
  });
  const days =
    (Date.parse(operationToWire(closed).undoableUntil as string) - Date.parse(closed.endedAt as string)) /
    86_400_000;
  expect(days).toBe(30);
  expect(operationToWire(house.store.operations.resolve(row.id)).state).toBe("rolledBack");
  const other = close(begin(root, [{ path: "a" }]), ["after"], { phase: "attention" });
  expect(operationToWire(house.store.operations.resolve(other.id)).state).toBe("committed");
  const aborted = close(begin(root, [{ path: "a" }]), ["before"], { phase: "aborted" });
  expect(operationToWire(aborted)).not.toHaveProperty("undoableUntil");
  expect(operationToWire(aborted).state).toBe("rolledBack");
});

test("operations are listed newest first, by path and session; unknown ones are said to be", () => {
  const root = house.root();
  const owner = session(root);
  const first = begin(root, [{ path: "a" }], { session: owner });
  const second = begin(root, [{ path: "b" }]);
  const ids = (query: object, page: object = {}) =>
    house.store.operations
      .list({ workspace: root.workspace, ...query }, { limit: 10, ...page })
      .map(({ id }) => id);
  expect(ids({})).toEqual([second.id, first.id]);
  expect(ids({ path: "a" })).toEqual([first.id]);
  expect(ids({ session: owner })).toEqual([first.id]);
  expect(ids({}, { before: second.n })).toEqual([first.id]);
  expect(house.store.operations.get("none")).toBeUndefined();
  expect(() => house.store.operations.require("none")).toThrow("no operation");
  expect(house.store.operations.openJournals(root.workspace).map(({ id }) => id)).toEqual([
    first.id,
    second.id,
  ]);
});

test("each phase is an event with the whole operation, in the same transaction", () => {
  const root = house.root();
  const from = house.store.events.last();
  const row = begin(root, [{ path: "a" }], { session: session(root), by: "me" });
  close(row, ["after"]);
  const events = house.store.events.since(from, { workspace: root.workspace }, 10);
  expect(events.map(({ type, by, body }) => [type, by, (body.operation as { state: string }).state])).toEqual(
    [
      ["operation/started", "me", "running"],
      ["operation/committed", "me", "committed"],
    ],
  );
});
