/**
 * Many subscribers, slow ones, dying ones and those that want quiet: each is told what it asked for, none costs another
 * anything, all share one watch. Source: watchman's test_subscribe, test_dead_socket, test_big; bb#3582.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { FileChange } from "../../../client/index.ts";
import type { RawClient } from "../../fixture/client.ts";
import { listed, told, walk } from "../../watch/fixture.ts";
import { type Scene, sharedStage } from "../scene.ts";
import { childOf, daemonOf, inotifyOf } from "./processes.ts";
import { roomyScenes } from "./roomy.ts";
import { apply, expectSame, put, since, statusOf, sync, track } from "./tracked.ts";

const stage = sharedStage({ killable: true });
const roomy = roomyScenes(stage);
const open = (files: Record<string, string> = { a: "a\n" }) => roomy(files);

const SLOW = { timeout: 480_000 };

interface Subscriber {
  readonly client: RawClient;
  readonly subscription: string;
  /** Reads until a change of `path` came; gives everything up to it. */
  until(path: string): Promise<FileChange[]>;
}

async function subscribe(scene: Scene, params: object = {}): Promise<Subscriber> {
  const client = await scene.raw("proposer");
  const { result } = await client.request("watch/subscribe", { workspace: scene.workspace, ...params });
  return {
    client,
    subscription: result.subscription,
    async until(path) {
      const changes: FileChange[] = [];
      while (!changes.some((change) => change.path === path)) {
        const message = await client.next();
        expect(message?.params).toMatchObject({ subscription: result.subscription, fresh: false });
        for (const change of message.params.changes) changes.push(change);
      }
      return changes;
    },
  };
}

/** A process that appends to `file` as fast as it can until it is ended. */
function noise(file: string): Disposable & { readonly begun: Promise<unknown> } {
  writeFileSync(file, "");
  const child = spawn("bash", ["-c", 'echo begun; while :; do echo noise >> "$1"; done', "bash", file], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  return {
    begun: once(child.stdout, "data"),
    [Symbol.dispose]: () => void child.kill("SIGKILL"),
  };
}

describe("twenty agents that subscribe to one tree", () => {
  test("use the watches of one, and are all told the same", SLOW, async () => {
    const files = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`d${n % 40}/f${n}`, "x\n"]));
    await using scene = await open(files);
    const tracked = await track(scene);
    const [daemon, child] = [await daemonOf(scene), await childOf(scene)];
    const count = () => [inotifyOf(daemon), inotifyOf(child)];
    await subscribe(scene);
    const [before, watches] = [await statusOf(scene), count()];
    expect(before).toMatchObject({ directories: 41, direct: 41, subscriptions: 1 });

    const agents = await Promise.all(Array.from({ length: 20 }, () => subscribe(scene)));
    // Agents open the workspace themselves, by whatever path they know.
    for (const root of [scene.root, `${scene.root}/d1/..`])
      expect((await scene.reviewer.call("workspace/open", { root })).workspace.id).toBe(scene.workspace);
    const { subscriptions, ...after } = await statusOf(scene);
    expect(after).toMatchObject({
      directories: 41,
      direct: 41,
      childPid: before.childPid,
      crawls: before.crawls,
    });
    expect([subscriptions, count()]).toEqual([21, watches]);

    for (let n = 0; n < 40; n++) scene.write(`d${n}/f${n}`, "edited\n");
    const edits = await tracked.check();
    scene.write("last", "last\n");
    for (const agent of agents) {
      const lines = new Set(told(await agent.until("last")));
      for (const edit of edits) expect(lines).toContain(edit);
    }
    for (const { client } of agents) client.destroy();
    await expect.poll(async () => (await statusOf(scene)).subscriptions).toBe(1);
    expect(count()).toEqual(watches);
  });
});

describe("subscribers that die", () => {
  test("in the middle of subscribing, of reading and of ending leave nothing behind", SLOW, async () => {
    const files = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`d${n}/f`, "x\n"]));
    await using scene = await open(files);
    for (let round = 0; round < 5; round++) {
      // A new crawl to wait for.
      await scene.reviewer.call("workspace/close", { workspace: scene.workspace });
      await scene.reviewer.call("workspace/open", { root: scene.root });
      const dying = await Promise.all(Array.from({ length: 20 }, () => scene.raw("proposer")));
      for (const [n, client] of dying.entries()) {
        const asked = client.request("watch/subscribe", { workspace: scene.workspace });
        scene.write(`d${n}/f`, `${round}\n`);
        if (n % 3 === 1) await asked;
        if (n % 3 === 2) {
          const { result } = await asked;
          void client.request("watch/unsubscribe", { subscription: result.subscription });
        }
        client.destroy();
      }
      await expect.poll(async () => (await statusOf(scene)).subscriptions).toBe(0);
    }
    await (await track(scene)).check();
  });

  test("and subscribe again from where they were miss nothing", async () => {
    await using scene = await open();
    const known = new Map((await since(scene)).changes.map((change) => [change.path, change]));
    let clock = await sync(scene);
    for (let round = 0; round < 10; round++) {
      const { client } = await subscribe(scene, { since: clock });
      scene.write(`f${round}`, `${round}\n`);
      const { params } = await client.next();
      apply(known, params.changes);
      ({ clock } = params);
      client.destroy();
      scene.write("a", `while nobody listened ${round}\n`);
    }
    await sync(scene);
    apply(known, (await since(scene, clock)).changes);
    expectSame(listed([...known.values()]), walk(scene.root));
  });
});

describe("while something else goes on changing", () => {
  test.for(["the same root", "another root"])("in %s, each change is told", SLOW, async (where) => {
    await using scene = await open({ "src/a": "a\n" });
    await using other = await open();
    const agent = await subscribe(scene, { include: ["src"] });
    const settling = await subscribe(scene, { include: ["src", "noise"], settleMs: 200 });
    using loud = noise((where === "the same root" ? scene : other).at("noise"));
    await loud.begun;
    // It never ends by itself: what is told is told in spite of it.
    for (let n = 0; n < 20; n++) {
      put(scene, `src/f${n}`, `${n}\n`);
      expect(told(await agent.until(`src/f${n}`))).toEqual([`created src/f${n}`]);
    }
    await settling.until("src/f19");
    scene.write("src/a", "edited\n");
    await sync(scene);
    expect(told((await since(scene)).changes)).toContain("created src/f19");
  });

  test("a file with a patch, or a manifest, is not behind a flood of what is ignored", SLOW, async () => {
    await using scene = await open({ ".gitignore": "/out/\n", "src/a": "a\n", "package.json": "{}\n" });
    mkdirSync(scene.at("out"));
    const session = await scene.reviewer.openSession({ workspace: scene.workspace });
    await session.write("src/a", "staged\n");
    const agent = await subscribe(scene, { priorities: ["HIGH"] });
    const flooding = Array.from({ length: 2 }, (_, n) =>
      spawn("bash", ["-c", `i=0; while :; do echo x > out/w${n}-$((i++ % 5000)); done`], {
        cwd: scene.root,
        stdio: "ignore",
      }),
    );
    try {
      for (let n = 0; n < 20; n++) {
        for (const file of ["src/a", "package.json"]) {
          scene.write(file, `${n}\n`);
          const changes = await agent.until(file);
          expect(changes.every(({ priority }) => priority === "HIGH")).toBe(true);
        }
      }
    } finally {
      for (const child of flooding) child.kill("SIGKILL");
    }
  });
});

describe("one that does not read", () => {
  test("for half a million changes costs little, misses nothing and delays nobody", SLOW, async () => {
    await using scene = await open();
    const FILES = 20_000;
    const slow = await subscribe(scene);
    const quick = await subscribe(scene, { include: ["a"] });
    slow.client.socket.pause();
    const write = async (command: string): Promise<void> => {
      const writers = Array.from({ length: 4 }, (_, n) =>
        spawn(
          "bash",
          ["-c", `mkdir -p w${n}; for i in $(seq ${FILES / 4}); do ${command}; done`, "bash", `w${n}`],
          {
            cwd: scene.root,
            stdio: "ignore",
          },
        ),
      ).map((child) => once(child, "exit"));
      await Promise.all(writers);
      await sync(scene);
    };
    await write('echo x > "$1/f$i"');
    const { rssBytes: before } = await scene.reviewer.call("daemon/status", {});
    for (let round = 0; round < 6; round++) {
      await write('for m in 1 2 3 4; do echo x >> "$1/f$i"; done');
      put(scene, "a", `${round}\n`);
      expect(told(await quick.until("a"))).toEqual(["modified a content"]);
    }
    const { rssBytes, metrics } = await scene.reviewer.call("daemon/status", {});
    expect(metrics.queuedBytes).toBeLessThan(4 << 20);
    expect(rssBytes - before).toBeLessThan(128 << 20);
    slow.client.socket.resume();
    const known = new Map<string, FileChange>();
    const disk = walk(scene.root);
    while (known.get("a")?.mtimeNs !== disk.get("a")?.split(" ")[1]) {
      const { params } = await slow.client.next();
      // A history that is too long to keep is said to be lost: then it is listed afresh.
      if (params.fresh) known.clear();
      apply(known, params.fresh ? (await since(scene)).changes : params.changes);
    }
    expectSame(listed([...known.values()]), disk);
  });
});

describe("frames of every size", () => {
  test("a request is answered whatever buffer it fills to the byte", SLOW, async () => {
    await using scene = await open();
    const sizes = [14, 16, 20, 21, 22].flatMap((bits) => [-1, 0, 1].map((by) => 2 ** bits + by));
    for (const framing of ["lines", "headers"] as const) {
      const client = await scene.raw("proposer", { framing });
      for (const size of sizes) {
        const ask = (filler: string) => ({
          jsonrpc: "2.0",
          id: "x",
          method: "watch/sync",
          params: { workspace: scene.workspace, _meta: { filler } },
        });
        const bare = JSON.stringify(ask("")).length;
        client.send(ask("f".repeat(size - bare)));
        expect(await client.next(), `${framing} ${size}`).toMatchObject({
          id: "x",
          result: { verified: true },
        });
      }
    }
  });

  test("thousands of long paths are looked at, and listed, in frames of megabytes", SLOW, async () => {
    await using scene = await open();
    const long = Array.from({ length: 12 }, (_, n) => `${n}`.padEnd(250, "x")).join("/");
    const paths = Array.from({ length: 1000 }, (_, n) => `${long}/f${n}`);
    mkdirSync(scene.at(long), { recursive: true });
    const tracked = await track(scene);
    for (const file of paths) writeFileSync(scene.at(file), "x\n");
    const { reviewer, workspace } = scene;
    expect(JSON.stringify(paths).length).toBeGreaterThan(2 << 20);
    const { verified } = await reviewer.call("watch/sync", { workspace, paths });
    expect(verified).toBe(true);
    const { changes } = await reviewer.call("watch/since", { workspace, clock: tracked.clock });
    expect(JSON.stringify(changes).length).toBeGreaterThan(2 << 20);
    expect(changes.map(({ path }) => path).sort()).toEqual(paths.toSorted());
    await tracked.check();
  });
});
