/** What the workspace does beside a promotion: every file of it is a change that the watch tells of by itself. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createStaging, digestOf, openSession } from "../daemon/staging/index.ts";
import { openStore } from "../daemon/store/index.ts";
import { openWatchTable } from "../daemon/store/watch-table.ts";
import { watchRoot } from "../daemon/watch/index.ts";
import { applySession } from "../daemon/workspace/apply.ts";
import { serialBy } from "../daemon/workspace/serial.ts";
import { createWorkspaces } from "../daemon/workspace/workspaces.ts";
import { recordDatabase } from "./fixture/recorded-database.ts";

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

async function openHouse(open: Parameters<typeof openStore>[1]) {
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
