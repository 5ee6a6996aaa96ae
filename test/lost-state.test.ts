/** A state directory that is deleted or replaced under a living daemon: it says so, and makes way for the next one. */
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { openStore } from "../daemon/store/index.ts";
import { rawClient, spawnDaemon, startTestDaemon } from "./fixture/daemon.ts";
import { type TestHome, testHome } from "./fixture/server.ts";

/** A home whose sockets stay where they are when the state goes. */
function homeWithSockets(): TestHome {
  const home = testHome();
  home.env.IOPIPE_RUNTIME_DIR = path.join(home.directory, "run");
  return home;
}

async function serving(home: TestHome) {
  const daemon = await spawnDaemon(home.env);
  const client = await rawClient(path.join(home.directory, "run", "iopiped.sock"));
  const root = path.join(home.directory, "root");
  mkdirSync(root, { recursive: true });
  const open = () => client.request("workspace/open", { root });
  return { daemon, client, open };
}

test("deleted: a change is refused with the path and the next step, the daemon ends, the next one begins anew", async () => {
  await using home = homeWithSockets();
  const { daemon, client, open } = await serving(home);
  await using _ = daemon;
  const { workspace } = (await open()).result;
  const { stateDir } = home.locations;
  // Away in one step: the daemon goes on making files in it while a recursive removal is under way.
  renameSync(stateDir, `${stateDir}-away`);
  rmSync(`${stateDir}-away`, { recursive: true });

  const { error } = await client.request("session/open", { workspace: workspace.id });
  expect(error.data).toMatchObject({ kind: "IoFailed", hint: expect.stringMatching(/put .* back/i) });
  expect(error.message).toContain(`${path.join(stateDir, "iopipe.db")} was deleted`);
  expect(await daemon.exited).toMatchObject({ code: 1, stderr: expect.stringContaining("was deleted") });

  const next = await serving(home);
  await using __ = next.daemon;
  expect((await next.client.request("session/list", {})).result.sessions).toEqual([]);
  expect((await next.open()).result.workspace.id).not.toBe(workspace.id);
});

test("replaced: the daemon ends and leaves the other files as they are", async () => {
  await using home = homeWithSockets();
  const { daemon, client, open } = await serving(home);
  await using _ = daemon;
  await open();
  const { stateDir } = home.locations;
  renameSync(stateDir, `${stateDir}-away`);
  cpSync(`${stateDir}-away`, stateDir, { recursive: true, filter: (from) => !from.endsWith(".sock") });
  const content = () =>
    ["iopipe.db", "iopipe.db-wal", "watch.db"].map((name) => readFileSync(path.join(stateDir, name), "hex"));
  const before = content();

  const { error } = await client.request("workspace/close", { workspace: path.join(home.directory, "root") });
  expect(error.message).toContain("was replaced");
  expect(await daemon.exited).toMatchObject({ code: 1 });
  expect(content()).toEqual(before);
  const copy = openStore(stateDir);
  expect(copy.workspaces.opened()).toHaveLength(1);
  copy.close();
});

test("a daemon that only looks stops too, and says why it did", async () => {
  await using home = homeWithSockets();
  await using running = await startTestDaemon({ home, lookMs: 20 });
  rmSync(home.locations.stateDir, { recursive: true });
  expect(await running.daemon.stopped).toMatchObject({ kind: "IoFailed" });
});

test("one that is asked to stop has no reason to give", async () => {
  await using home = homeWithSockets();
  await using running = await startTestDaemon({ home });
  await running.stop();
  expect(await running.daemon.stopped).toBeUndefined();
});
