/** What a pass over the store clears and what it never does, by random histories on the real store. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { Call, Handlers } from "../daemon/rpc/call.ts";
import { holdingBlobs } from "../daemon/rpc/handlers/holding-blobs.ts";
import { expire } from "../daemon/staging/expire.ts";
import {
  type Collected,
  limitsFrom,
  newId,
  type OperationRow,
  openStore,
  type PatchRow,
  type Store,
} from "../daemon/store/index.ts";
import { DEFAULT_LIMITS, type Limits } from "../daemon/store/limits.ts";
import type { Image } from "../protocol/methods/index.ts";
import { processorMs } from "./fixture/processor.ts";
import { QUICK } from "./promotion/house.ts";

const NOTHING: Limits = {
  ...{ undoMs: 0, undoBytes: 0, discardedMs: 0, orphanedMs: 0, unnamedMs: 0 },
  eventsMs: DEFAULT_LIMITS.eventsMs,
};
const ABSENT: Image = { exists: false };

function makeDirectory(): string {
  const directory = mkdtempSync(join(QUICK, "iopipe-collect-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** A store that is closed and opened again, as by a restart: nobody holds anything then. */
class World {
  readonly directory = makeDirectory();
  store = openStore(this.directory);
  readonly workspaces = ["/one", "/two"].map((root) => this.store.workspaces.open(root).id);

  restart(limits: Limits = DEFAULT_LIMITS): Store {
    this.store.close();
    this.store = openStore(this.directory, undefined, limits);
    return this.store;
  }

  async image(content: string | Buffer): Promise<Image> {
    const bytes = Buffer.from(content);
    const hash = await this.store.blobs.put(bytes);
    return { exists: true, type: "file", hash, size: bytes.length, mode: 0o644 };
  }

  session(workspace = this.workspaces[0] as string): string {
    return this.store.transaction(
      () => this.store.sessions.insert({ id: newId("s"), workspace, title: "t", role: "proposer" }).id,
    );
  }

  patch(session: string, path: string, base: Image, after: Image): PatchRow {
    const { workspace } = this.store.sessions.require(session);
    const common = {
      kind: "update",
      added: 0,
      removed: 0,
      binary: false,
      fullReplace: false,
      findings: {},
    } as const;
    const row = { ...common, id: newId("p"), session, workspace, path, base, after, breakHardLinks: false };
    return this.store.transaction(() => this.store.patches.insert(row));
  }

  discard(patch: PatchRow, reason: "discarded" | "stale" | "superseded"): void {
    this.store.transaction(() => this.store.patches.move(patch.id, { state: "Discarded", reason }));
  }

  begin(patches: readonly PatchRow[]): OperationRow {
    const [{ workspace, session }] = patches as [PatchRow];
    const files = patches.map(({ id, path, base, after }) => ({ path, patch: id, before: base, after }));
    return this.store.operations.begin({
      ...{ workspace, session, kind: "apply", files, madeDirectories: [], removedDirectories: [] },
    });
  }

  close(operation: OperationRow, phase: "applied" | "aborted" | "attention" = "applied"): OperationRow {
    const outcome = phase === "applied" ? "after" : phase === "aborted" ? "before" : "foreign";
    const files = operation.files.map(({ n }) => ({ n, outcome }) as const);
    const none = { madeDirectories: [], removedDirectories: [], swept: true };
    return this.store.operations.close(operation.id, { phase, files, ...none });
  }

  apply(patches: readonly PatchRow[]): OperationRow {
    return this.close(this.begin(patches));
  }

  undo(operation: OperationRow): OperationRow {
    const { workspace, session, id: undoes } = operation;
    const files = operation.files.map(({ path, patch, before, after }) => ({
      ...{ path, patch, before: after, after: before },
    }));
    return this.close(
      this.store.operations.begin({
        ...{ workspace, session, undoes, kind: "undo", files, madeDirectories: [], removedDirectories: [] },
      }),
    );
  }

  pass({ dryRun = false, slices = Number.POSITIVE_INFINITY } = {}): Collected[] {
    const found: Collected[] = [];
    const pass = this.store.collection.pass(dryRun, (one) => found.push(one));
    for (let at = 0; at < slices && !pass.next().done; at++);
    pass.return();
    return found;
  }

  operations(): OperationRow[] {
    return this.workspaces.flatMap((workspace) => this.store.operations.list({ workspace }, { limit: 1000 }));
  }

  patches(): PatchRow[] {
    return this.workspaces.flatMap((workspace) => this.store.patches.list({ workspace }, { limit: 1000 }));
  }
}

const hashesOf = (images: readonly Image[]): string[] => images.flatMap(({ hash }) => hash ?? []);
const isUnsettled = ({ state, reason }: PatchRow): boolean => state === "Pending" || reason === "stale";
const STANDS = ["applied", "resolved", "attention"];

/** What must be there whatever was cleared. */
async function assertWhole(world: World): Promise<Set<string>> {
  const kept = world.operations().filter(({ phase }) => phase !== "cleared");
  const named = new Set([
    ...hashesOf(world.patches().flatMap(({ base, after }) => [base, after])),
    ...hashesOf(
      kept
        .filter(({ phase }) => phase !== "aborted")
        .flatMap(({ files }) => files.flatMap(({ before, after }) => [before, after])),
    ),
  ]);
  for (const hash of named) expect((await world.store.blobs.read(hash)).length).toBeGreaterThan(0);
  const ids = new Set(kept.map(({ id }) => id));
  for (const operation of kept)
    if (operation.undoes && operation.phase !== "aborted") expect(ids).toContain(operation.undoes);
  return named;
}

function standing(world: World) {
  const newest = world.workspaces.flatMap(
    (workspace) =>
      world.operations().find((one) => one.workspace === workspace && STANDS.includes(one.phase)) ?? [],
  );
  const open = world.operations().filter(({ phase }) => ["prepare", "commit", "attention"].includes(phase));
  const unsettled = world.patches().filter(isUnsettled);
  return {
    operations: [...newest, ...open].map(({ id }) => id).sort(),
    patches: unsettled.map(({ id }) => id).sort(),
  };
}

const SIZES = [10, 1000, 300 * 1024];

const step = fc.record({
  what: fc.constantFrom(
    "stage",
    "stage",
    "discard",
    "stale",
    "restore",
    "apply",
    "apply",
    "undo",
    "open",
    "abort",
    "attention",
    "put",
  ),
  a: fc.nat(1000),
  b: fc.nat(1000),
});

async function act(world: World, { what, a, b }: { what: string; a: number; b: number }): Promise<void> {
  const { store } = world;
  const pick = <T>(items: readonly T[]): T | undefined => items[a % Math.max(1, items.length)];
  const content = (n: number) => world.image(Buffer.alloc(SIZES[n % 3] as number, n % 7));
  const pending = pick(world.patches().filter(({ state }) => state === "Pending"));
  if (what === "put") await content(a);
  if (what === "stage") {
    const path = `f${b % 4}`;
    const session = pick(store.sessions.list({}, { limit: 5 }))?.id;
    const into = session && a % 3 ? session : world.session(world.workspaces[b % 2]);
    if (store.patches.holding(into, path).length === 0)
      world.patch(into, path, a % 2 ? await content(a) : ABSENT, await content(b));
  }
  if (what === "discard" && pending) world.discard(pending, "discarded");
  if (what === "stale" && pending) world.discard(pending, "stale");
  if (what === "restore") {
    const patch = pick(world.patches().filter(({ state }) => state === "Discarded"));
    if (patch && store.patches.holding(patch.session, patch.path).length === 0)
      store.transaction(() => store.patches.move(patch.id, { state: "Pending" }));
  }
  if (what === "apply" && pending) world.apply([pending]);
  if (what === "open" && pending) world.begin([pending]);
  if (what === "abort" && pending) world.close(world.begin([pending]), "aborted");
  if (what === "attention" && pending) world.close(world.begin([pending]), "attention");
  const applied = pick(world.operations().filter(({ phase }) => phase === "applied"));
  if (what === "undo" && applied) world.undo(applied);
}

test("nothing pending, stale, open or newest is ever lost, and what is named is there; all else goes", async () => {
  const limits = fc.record({
    ...{ undoMs: fc.constantFrom(0, 1e12), undoBytes: fc.constantFrom(0, 2000, 400_000, 1e12) },
    ...{ discardedMs: fc.constantFrom(0, 1e12), unnamedMs: fc.constantFrom(0, 1e12) },
    ...{ orphanedMs: fc.constant(1e12), eventsMs: fc.constant(1e12) },
  });
  const rounds = fc.array(
    fc.record({
      steps: fc.array(step, { maxLength: 25 }),
      limits,
      slices: fc.constantFrom(0, 1, 2, 3, Infinity),
    }),
    { minLength: 1, maxLength: 3 },
  );
  await fc.assert(
    fc.asyncProperty(rounds, async (all) => {
      const world = new World();
      for (const { steps, limits, slices } of all) {
        for (const one of steps) await act(world, one);
        const before = standing(world);
        // What runs ends before a millisecond has gone by: ages are told by the clock.
        await new Promise((done) => setTimeout(done, 2));
        world.restart(limits);
        const planned = world.pass({ dryRun: true });
        expect(standing(world)).toEqual(before);
        const cleared = world.pass({ slices });
        expect(standing(world)).toEqual(before);
        await assertWhole(world);
        if (slices === Infinity) expect(cleared.map(({ id }) => id)).toEqual(planned.map(({ id }) => id));
      }
      world.restart({ ...NOTHING, orphanedMs: 1e12 });
      await new Promise((done) => setTimeout(done, 2));
      world.pass();
      const named = await assertWhole(world);
      world.restart(NOTHING);
      const left = world.pass({ dryRun: true });
      expect(left).toEqual([]);
      for (const patch of world.patches())
        expect(isUnsettled(patch) || patch.operation !== undefined).toBe(true);
      expect(named.size).toBeLessThanOrEqual(14);
      world.store.close();
    }),
    { numRuns: 40 },
  );
}, 120_000);

test("events go by their age; what is left has no gap, and who has yet to read some finds them", () => {
  const world = new World();
  const [workspace] = world.workspaces as [string];
  const seqs = () => world.store.events.since(0, {}, 10_000).map(({ seq }) => seq);
  const append = (session?: string) => {
    const type = session === undefined ? "operation/started" : "session/opened";
    return world.store.transaction(() => world.store.events.append({ type, workspace, session }, () => ({})));
  };
  const old = world.session();
  append(old);
  for (let n = 0; n < 700; n++) append();
  const first = world.store.events.last();
  expect(world.store.events.reaches(0, {})).toBe(true);
  expect(world.pass().filter(({ what }) => what === "event")).toEqual([]);

  // A clock that was put back: what follows an event that is kept is kept.
  const put = `UPDATE event SET at = '2020-01-01T00:00:00.000Z' WHERE seq <> ${first - 100}`;
  execute(world, put);
  const young = world.session();
  const opened = append(young);
  let needed = 300;
  const stop = world.store.events.listen(
    () => undefined,
    () => needed,
  );
  const told = world.pass({ dryRun: true }).filter(({ what }) => what === "event");
  expect(told).toHaveLength(299);
  expect(told[0]).toMatchObject({ id: "1", reason: "age", workspace, since: "2020-01-01T00:00:00.000Z" });
  expect(seqs()).toHaveLength(opened);
  expect(world.pass()).toHaveLength(299);
  expect(seqs()[0]).toBe(300);
  needed = Number.POSITIVE_INFINITY;
  world.pass();
  stop();
  expect(seqs()).toEqual(Array.from({ length: opened - first + 101 }, (_, n) => first - 100 + n));

  const reaches = (since: number, session?: string) => world.store.events.reaches(since, { session });
  expect([reaches(0), reaches(first - 102), reaches(first - 101)]).toEqual([false, false, true]);
  expect([reaches(0, old), reaches(0, young)]).toEqual([false, true]);
  world.restart({ ...DEFAULT_LIMITS, eventsMs: 0 });
  execute(world, "UPDATE event SET at = '2020-01-01T00:00:00.000Z'");
  world.pass();
  expect([world.store.events.last(), seqs()]).toEqual([opened, [opened]]);
});

/** Runs SQL on a store that is closed meanwhile. */
function execute(world: World, sql: string): void {
  const { limits } = world.store;
  world.store.close();
  const db = new Sqlite(join(world.directory, "iopipe.db"));
  db.exec(sql);
  db.close();
  world.restart(limits);
}

test("the oldest operations go beyond the budget, and stay known; with them their patches and sessions", async () => {
  const world = new World();
  const operations: OperationRow[] = [];
  for (let n = 0; n < 4; n++) {
    const session = world.session();
    const after = await world.image(randomBytes(1000));
    operations.push(world.apply([world.patch(session, `f${n}`, ABSENT, after)]));
  }
  const [first, second, third, last] = operations as [OperationRow, OperationRow, OperationRow, OperationRow];
  world.restart({ ...DEFAULT_LIMITS, undoBytes: 2500, discardedMs: 0, unnamedMs: 0 });
  const cleared = world.pass();
  expect(cleared.map(({ what, reason }) => `${what} ${reason}`)).toEqual([
    "operation budget",
    "operation budget",
    "patch cleared",
    "patch cleared",
    "session empty",
    "session empty",
    "blob unnamed",
    "blob unnamed",
  ]);
  expect(cleared[0]).toMatchObject({ id: second.id, bytes: 1000, since: second.endedAt });
  const phases = [first, second, third, last].map(({ id }) => world.store.operations.require(id).phase);
  expect(phases).toEqual(["cleared", "cleared", "applied", "applied"]);
  const { keptUntil } = world.store.operations.require(third.id);
  expect(Date.parse(keptUntil as string) - Date.parse(third.endedAt as string)).toBe(30 * 86_400_000);
  expect(world.store.operations.require(first.id).keptUntil).toBeUndefined();
  expect(world.store.sessions.get(first.session as string)).toBeUndefined();
  expect(world.store.blobs.has(third.files[0]?.after.hash as string)).toBe(true);
  world.store.close();
});

test("what was undone lives as long as its undo, and both go together", async () => {
  const world = new World();
  const [from, to] = [await world.image("from"), await world.image("to")];
  const done = world.apply([world.patch(world.session(), "f", from, to)]);
  const undo = world.undo(done);
  world.restart(NOTHING);
  expect(world.pass()).toEqual([]);
  expect(world.patches()).toMatchObject([{ state: "Discarded", reason: "undone" }]);
  world.apply([world.patch(world.session(), "g", ABSENT, await world.image("newest"))]);
  world.restart(NOTHING);
  const ids = world.pass().map(({ id }) => id);
  expect(ids.slice(0, 2)).toEqual([undo.id, done.id]);
  expect(world.patches()).toMatchObject([{ path: "g" }]);
  world.store.close();
});

test("a session that somebody uses while it expires keeps what has not expired yet", async () => {
  const world = new World();
  const { store } = world;
  const session = world.session();
  const after = await world.image("new");
  store.transaction(() => {
    for (let n = 0; n < 60; n++) world.patch(session, `f${n}`, ABSENT, after);
  });
  const slices = expire(store, session);
  slices.next();
  const { pending } = store.sessions.counts(session);
  expect(pending).toBeLessThan(60);
  expect(pending).toBeGreaterThan(0);
  store.sessions.use(session);
  expect(slices.next().done).toBe(true);
  expect(store.sessions.counts(session).pending).toBe(pending);
  store.close();
});

test("a request that changes something holds what it uses until it ends; one that reads holds nothing", async () => {
  const { store } = new World();
  const { holds } = store;
  const { promise: answer, resolve } = Promise.withResolvers<never>();
  const begun = { "patch/stage": () => answer, "session/get": () => answer } as Partial<Handlers> as Handlers;
  const { "patch/stage": stage, "session/get": get } = holdingBlobs(begun, store);
  const read = get({ session: "s" }, {} as Call);
  expect(holds.working).toBe(0);
  const change = stage({ session: "s", changes: [] }, {} as Call);
  expect(holds.working).toBe(1);
  resolve({} as never);
  await Promise.all([read, change]);
  expect(holds.working).toBe(0);
  store.close();
});

test("content is held from the moment that it is put, however long the work lasts that will name it", async () => {
  const world = new World();
  world.restart(NOTHING);
  const { holds, blobs } = world.store;
  const end = holds.begin();
  const small = await world.image("small");
  const large = await world.image(Buffer.alloc(300_000));
  expect(holds.working).toBe(1);
  await new Promise((done) => setTimeout(done, 1100));
  expect(world.pass()).toEqual([]);
  expect(await blobs.read(large.hash as string)).toHaveLength(300_000);
  world.patch(world.session(), "f", ABSENT, small);
  end();
  await new Promise((done) => setTimeout(done, 1100));
  expect(world.pass()).toMatchObject([{ what: "blob", id: large.hash, bytes: 300_000 }]);
  expect(blobs.has(small.hash as string)).toBe(true);
  world.store.close();
});

test("the same bytes come again while their blob goes", async () => {
  const world = new World();
  const bytes = randomBytes(400_000);
  for (let round = 0; round < 20; round++) {
    await world.image(bytes);
    world.restart(NOTHING);
    const putting = world.image(bytes);
    world.pass();
    const { hash = "" } = await putting;
    expect((await world.store.blobs.read(hash)).equals(bytes)).toBe(true);
  }
  world.store.close();
});

test("files that no row names go: a crash's, and temporary ones of earlier runs; others stay", async () => {
  const world = new World();
  const kept = await world.image(randomBytes(300_000));
  world.patch(world.session(), "f", ABSENT, kept);
  const folder = join(world.directory, "blobs", "aa");
  mkdirSync(folder, { recursive: true });
  const stray = `aa${"0".repeat(62)}`;
  for (const name of [stray, ".iopipe-0123456789abcdef-0.tmp", "mine"])
    writeFileSync(join(folder, name), "x");
  utimesSync(join(folder, ".iopipe-0123456789abcdef-0.tmp"), 1e9, 1e9);
  world.restart();
  expect(world.pass({ dryRun: true })).toHaveLength(2);
  writeFileSync(join(folder, ".iopipe-fedcba9876543210-0.tmp"), "being written");
  const ids = world.pass().map(({ what, id }) => `${what} ${id}`);
  expect(ids.sort()).toEqual(["file aa/.iopipe-0123456789abcdef-0.tmp", `file aa/${stray}`]);
  expect(readdirSync(folder).sort()).toEqual([".iopipe-fedcba9876543210-0.tmp", "mine"]);
  const { hash = "" } = kept;
  expect(existsSync(join(world.directory, "blobs", hash.slice(0, 2), hash))).toBe(true);
  world.store.close();
});

test("an upload that nobody goes on with is dropped; one that ended counts from then", async () => {
  const world = new World();
  const old = await world.image("uploaded before");
  world.restart({ ...NOTHING, unnamedMs: 3000 });
  const { uploads, blobs } = world.store;
  const abandoned = uploads.begin();
  await uploads.append(abandoned, 0, Buffer.from("half"));
  await new Promise((done) => setTimeout(done, 3500));
  const again = uploads.begin();
  await uploads.append(again, 0, Buffer.from("uploaded before"));
  await uploads.end(again, old.hash);
  // By the row: as after a restart, nobody holds it.
  world.store.holds.forget();
  expect(world.pass()).toMatchObject([{ what: "upload", id: abandoned, bytes: 4 }]);
  expect(blobs.has(old.hash as string)).toBe(true);
  await expect.poll(() => uploads.isOpen(abandoned)).toBe(false);
  world.store.close();
});

test("a slice is short, however much is kept", async () => {
  const world = new World();
  const images = await Promise.all(Array.from({ length: 50 }, (_, n) => world.image(`content ${n}`)));
  const at = (n: number): Image => images[n % images.length] as Image;
  world.store.transaction(() => {
    const session = world.session();
    for (let n = 0; n < 300; n++) {
      const patches = Array.from({ length: 10 }, (_, m) =>
        world.patch(session, `f${n}-${m}`, at(n), at(n + m + 1)),
      );
      world.apply(patches);
    }
  });
  world.restart({ ...NOTHING, orphanedMs: 1e12 });
  const pass = world.store.collection.pass(false, () => undefined);
  const slices: number[] = [];
  for (let done = false; !done; )
    slices.push(
      processorMs(() => {
        done = pass.next().done === true;
      }),
    );
  expect(world.patches()).toHaveLength(10);
  expect(slices.length).toBeGreaterThan(5);
  const median = slices.toSorted((a, b) => a - b)[slices.length >> 1] as number;
  expect(median).toBeLessThan(50);
  world.store.close();
});

test("limits are read from the environment; what cannot be understood keeps its default", () => {
  const env = {
    IOPIPE_KEEP_UNDO: "12h",
    IOPIPE_KEEP_UNDO_BYTES: "512MiB",
    IOPIPE_KEEP_DISCARDED: "0",
    IOPIPE_KEEP_ORPHANED: "soon",
    IOPIPE_KEEP_EVENTS: "90d",
    IOPIPE_KEEP_UNNAMED: "5 constructor",
  };
  const { limits, unknown } = limitsFrom(env);
  expect(limits).toEqual({
    ...{ undoMs: 12 * 3_600_000, undoBytes: 512 * 1024 ** 2, discardedMs: 0 },
    ...{ orphanedMs: DEFAULT_LIMITS.orphanedMs, unnamedMs: DEFAULT_LIMITS.unnamedMs },
    eventsMs: 90 * 24 * 3_600_000,
  });
  expect(unknown).toEqual(["IOPIPE_KEEP_ORPHANED", "IOPIPE_KEEP_UNNAMED"]);
  expect(limitsFrom({}).limits).toEqual(DEFAULT_LIMITS);
});
