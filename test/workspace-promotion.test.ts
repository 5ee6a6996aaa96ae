/** What the workspace does beside a promotion: every file of it is a change that the watch tells of by itself. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openTree, type Port } from "../daemon/disk/index.ts";
import { portOf } from "../daemon/disk/platform.ts";
import { promote } from "../daemon/promotion/index.ts";
import { createStaging, digestOf, openSession } from "../daemon/staging/index.ts";
import { openStore } from "../daemon/store/index.ts";
import { openWatchTable } from "../daemon/store/watch-table.ts";
import { watchRoot } from "../daemon/watch/index.ts";
import { applySession } from "../daemon/workspace/apply.ts";
import { serialBy } from "../daemon/workspace/serial.ts";
import { createWorkspaces } from "../daemon/workspace/workspaces.ts";
import { recordDatabase } from "./fixture/recorded-database.ts";
import { errno } from "./promotion/ports.ts";

const FILES = 200;
const PATCHES_AT_PATHS = /INDEXED BY patch_unsettled WHERE .* path IN/s;

test("a promotion of many files has the patches at its paths looked up together, not for each file", async () => {
  const recorded = recordDatabase();
  const { house, workspace } = await openHouse(recorded.open);
  const session = openSession(house.store, { workspace: workspace.id, title: "many", role: "reviewer" });
  const changes = Array.from({ length: FILES }, (_, n) => ({
    kind: "write" as const,
    path: `f${n}`,
    content: "x\n",
  }));
  await house.staging.stage(session, workspace.tree, { changes, ownsBlob: () => true });
  await workspace.watch.sync(undefined, 10_000);

  const expectedDigest = digestOf(house.store, session.id);
  const asking = { by: undefined, signal: new AbortController().signal, progress: () => {} };
  const lookups = await recorded.runsOf(PATCHES_AT_PATHS, async () => {
    await applySession(house, session, { expectedDigest }, asking);
    await workspace.watch.sync(undefined, 10_000);
    // In its turn behind whatever is still to be looked up.
    await workspace.write(async () => {});
  });
  expect(house.store.sessions.counts(session.id).applied).toBe(FILES);
  expect(lookups).toBeGreaterThan(0);
  expect(lookups).toBeLessThan(FILES / 4);
});

test("what an apply itself finds stale is left out by the digest that was shown with it", async () => {
  const { house, workspace } = await openHouse();
  const { store, staging } = house;
  const at = (file: string): string => join(workspace.root, file);
  for (const file of ["a", "b"]) writeFileSync(at(file), "old\n");
  const session = openSession(store, { workspace: workspace.id, title: "two", role: "reviewer" });
  const changes = ["a", "b"].map((path) => ({ kind: "write" as const, path, content: "new\n" }));
  await staging.stage(session, workspace.tree, { changes, ownsBlob: () => true });
  const expectedDigest = digestOf(store, session.id);
  // In the same turn of the loop: the watch has told nobody yet.
  writeFileSync(at("a"), "by hand\n");
  const asking = { by: undefined, signal: new AbortController().signal, progress: () => {} };
  const { skipped } = await applySession(house, session, { expectedDigest, onStale: "skip" }, asking);
  expect(skipped).toMatchObject([{ path: "a", reason: "stale" }]);
  expect([readFileSync(at("a"), "utf8"), readFileSync(at("b"), "utf8")]).toEqual(["by hand\n", "new\n"]);
});

test("a root is opened again only when its last close has ended, with the work that was under way", async () => {
  const { house, workspace } = await openHouse();
  const { workspaces } = house;
  const { promise: gate, resolve } = Promise.withResolvers<void>();
  const order: string[] = [];
  const writing = workspace.write(() => gate).then(() => order.push("written"));
  const closed = workspaces.close(workspace.id);
  const opened = workspaces.open(workspace.root).finally(() => order.push("opened"));
  // Longer than all that opening has to look at.
  for (let n = 0; n < 50; n++) await realpath(workspace.root);
  resolve();
  await Promise.all([writing, closed]);
  expect(await opened).not.toBe(workspace);
  expect(order).toEqual(["written", "opened"]);
});

test("a file of ours that could not be removed is removed a while later, without another write or start", async () => {
  const { house, workspace } = await openHouse();
  const { store } = house;
  const hash = await store.blobs.put(Buffer.from("new\n"));
  const port = portOf(process.platform);
  let failures = 1;
  const failing: Port = {
    ...port,
    unlink: (dir, name) => {
      if (name.endsWith(".bak") && failures-- > 0) throw errno("EIO", "unlink");
      port.unlink(dir, name);
    },
  };
  const at = join(workspace.root, "a");
  writeFileSync(at, "old\n");
  const before = await workspace.tree.image("a");
  const tree = openTree(workspace.root, [], failing);
  const after = { exists: true, type: "file", hash, size: 4 } as const;
  const ours = (): string[] => readdirSync(workspace.root).filter((name) => name.startsWith(".iopipe-"));

  const promoted = await workspace.write(async () => {
    const operation = await promote(
      { workspace: workspace.id, tree, kind: "apply", transitions: [{ path: "a", before, after }] },
      store,
    );
    expect(ours()).toHaveLength(1);
    return operation;
  });
  expect(promoted.phase).toBe("applied");
  await expect.poll(ours).toEqual([]);
  await expect.poll(() => store.operations.openJournals(workspace.id)).toEqual([]);
  expect(readFileSync(at, "utf8")).toBe("new\n");
});

async function openHouse(open?: Parameters<typeof openStore>[1]) {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "iopipe-workspace-")));
  const [root, state] = [join(base, "root"), join(base, "state")];
  for (const directory of [root, state, join(state, "cookies")]) mkdirSync(directory);
  const store = openStore(state, open);
  const table = openWatchTable(join(state, "watch.db"));
  const staging = createStaging({ store });
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const workspaces = createWorkspaces({
    ...{ store, staging, guarded: [state] },
    startWatch: ({ id }) =>
      watchRoot({
        ...{ root, table, log },
        workspace: id,
        counters: store.counters,
        cookieDir: join(state, "cookies", id),
      }),
    failed: () => {},
  });
  onTestFinished(async () => {
    await workspaces.stop();
    await staging.close();
    table.close();
    store.close();
    rmSync(base, { recursive: true });
  });
  const workspace = await workspaces.open(root);
  return { house: { store, staging, workspaces, sessionTurn: serialBy() }, workspace };
}
