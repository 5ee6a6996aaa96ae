/**
 * Events that are lost, and watchers that die, hang or are slow: nothing is missing after `sync`, and `daemon/status`
 * says what happened. Source: research facts 1, 2, 7 and P8; umbrel#2158 (leaking descriptors), orca#8112 (kill loop),
 * watchman#1354 (recrawl without back-off).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openScene, type Scene, sharedStage } from "../scene.ts";
import { childOf, inotifyOf, statusOf, sync, track, type Watched, whileStopped } from "./tracked.ts";

const stage = sharedStage({ killable: true });
const open = () => openScene({ on: stage(), files: { "flood/kept": "kept\n" } });

/** Floods take their time on a machine that has other work. */
const SLOW = { timeout: 240_000 };

const daemonOf = async ({ reviewer }: Watched): Promise<number> =>
  (await reviewer.call("daemon/status", {})).pid;

/** Starts processes that write `files` files each in one directory; resolves when all have ended. */
async function flood({ at }: Scene, writers: number, files: number): Promise<void> {
  const all = Array.from({ length: writers }, (_, n) =>
    spawn("bash", ["-c", `for i in $(seq ${files}); do echo x > w${n}-$i; done`], {
      cwd: at("flood"),
      stdio: "ignore",
    }),
  );
  for (const child of all) if (child.exitCode === null) await once(child, "exit");
}

/** Processes that the daemon started, by what /proc says of parents. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

describe("a flood", () => {
  test("of 30,000 creations while the child is stopped loses nothing, and the loss shows", SLOW, async () => {
    await using scene = await open();
    const tracked = await track(scene);
    const child = await childOf(scene);
    const { childLosses } = await statusOf(scene);
    await whileStopped([child], async () => {
      await flood(scene, 1, 30_000);
      // The child has no part in the proof.
      expect(await tracked.check()).toHaveLength(30_000);
    });
    const lost = async () => (await statusOf(scene)).childLosses;
    await expect.poll(lost, { timeout: 60_000 }).toBeGreaterThan(childLosses);
    expect(await tracked.check()).toEqual([]);
  });

  test(
    "of 30,000 creations while the daemon too is stopped loses nothing, and the loss shows",
    SLOW,
    async () => {
      await using scene = await open();
      const tracked = await track(scene);
      const { losses } = await statusOf(scene);
      await whileStopped([await daemonOf(scene), await childOf(scene)], () => flood(scene, 1, 30_000));
      expect(await tracked.check()).toHaveLength(30_000);
      expect((await statusOf(scene)).losses).toBeGreaterThan(losses);
      // What came after the loss is watched as what came before it.
      scene.write("flood/later", "later\n");
      expect(await tracked.check()).toEqual(["created flood/later"]);
    },
  );

  test("of eight writers of 10,000 files each loses nothing, and a loss shows", SLOW, async () => {
    await using scene = await open();
    const tracked = await track(scene);
    const { losses } = await statusOf(scene);
    const [daemon, child] = [await daemonOf(scene), await childOf(scene)];
    const flooding = flood(scene, 8, 10_000);
    // Held up for a moment in the middle, as by a machine that swaps: the kernel's queue runs over.
    const made = () => readdirSync(scene.at("flood")).length;
    await expect.poll(made, { timeout: 60_000 }).toBeGreaterThan(2000);
    await whileStopped([daemon, child], () =>
      expect.poll(made, { timeout: 120_000 }).toBeGreaterThan(60_000),
    );
    await flooding;
    expect(await tracked.check()).toHaveLength(80_000);
    expect((await statusOf(scene)).losses).toBeGreaterThan(losses);
  });

  test("again and again brings a crawl now and then, not one for each loss", SLOW, async () => {
    await using scene = await open();
    const tracked = await track(scene);
    const daemon = await daemonOf(scene);
    const before = await statusOf(scene);
    const startedAt = performance.now();
    for (let n = 0; n < 10; n++) {
      await whileStopped([daemon, await childOf(scene)], () => flood(scene, 1, 5000));
      // A request is answered after what came before it was read.
      await statusOf(scene);
    }
    const { losses, crawls } = await statusOf(scene);
    const seconds = (performance.now() - startedAt) / 1000;
    expect(losses - before.losses).toBeGreaterThan(5);
    expect(crawls - before.crawls).toBeLessThanOrEqual(2 + seconds);
    await tracked.check();
  });
});

describe("the child", () => {
  test("killed over and over, by whatever signal, is replaced, and nothing leaks", SLOW, async () => {
    await using scene = await open();
    const tracked = await track(scene);
    const daemon = await daemonOf(scene);
    await childOf(scene);
    const [before, processes] = [inotifyOf(daemon), childrenOf(daemon).length];
    const { childRestarts } = await statusOf(scene);
    const signals = ["SIGKILL", "SIGTERM", "SIGHUP", "SIGSEGV", "SIGINT", "SIGABRT"] as const;
    for (const [n, signal] of signals.entries()) {
      const child = await childOf(scene);
      process.kill(child, signal);
      scene.write(`file${n}`, `${signal}\n`);
      expect(await tracked.check(), signal).toEqual([`created file${n}`]);
      await expect.poll(async () => (await statusOf(scene)).childPid, { timeout: 60_000 }).not.toBe(child);
    }
    await childOf(scene);
    expect((await statusOf(scene)).childRestarts).toBe(childRestarts + signals.length);
    expect(inotifyOf(daemon)).toEqual(before);
    await expect.poll(() => childrenOf(daemon).length).toBe(processes);
    expect((await statusOf(scene)).state).toBe("live");
  });

  test("interrupted thousands of times goes on, or another does", SLOW, async () => {
    await using scene = await open();
    const tracked = await track(scene);
    for (let n = 0; n < 20; n++) {
      const child = await childOf(scene);
      for (let m = 0; m < 120; m++)
        process.kill(child, (["SIGSTOP", "SIGCONT", "SIGWINCH", "SIGCHLD"] as const)[m % 4]);
      process.kill(child, "SIGCONT");
      scene.write(`d${n}/file`, `${n}\n`);
      expect(await tracked.check()).toEqual([`created d${n}/file`]);
    }
    await expect.poll(async () => (await statusOf(scene)).state, { timeout: 60_000 }).toBe("live");
  });

  test("that takes longer to begin than every deadline is waited for, not killed", SLOW, async () => {
    await using other = await open();
    const daemon = await daemonOf(other);
    await childOf(other);
    const known = new Set(childrenOf(daemon));
    await using scene = await open();
    // The watch child lives long, git's processes do not.
    const born = async (): Promise<number | undefined> => {
      const { childPid } = await statusOf(scene);
      expect(childPid).toBeUndefined();
      return childrenOf(daemon).find((pid) => !known.has(pid) && commandOf(pid).includes("child"));
    };
    await expect.poll(born, { interval: 1, timeout: 60_000 }).toBeDefined();
    const child = (await born()) as number;
    await whileStopped([child], async () => {
      const tracked = await track(scene);
      const { uptimeMs: from } = await scene.reviewer.call("daemon/status", {});
      // Longer than a live child may be silent.
      for (let n = 0, now = from; now < from + 12_000; n++) {
        scene.write(`file${n % 50}`, `${n}\n`);
        await tracked.check();
        now = (await scene.reviewer.call("daemon/status", {})).uptimeMs;
      }
      expect(childrenOf(daemon)).toContain(child);
      expect(await statusOf(scene)).toMatchObject({ state: "crawling", childRestarts: 0 });
    });
    await expect.poll(async () => (await statusOf(scene)).childPid, { timeout: 60_000 }).toBe(child);
    await sync(scene);
    expect(await statusOf(scene)).toMatchObject({ state: "live", childRestarts: 0 });
  });

  test("that hangs is replaced by another, and the root's state stays what the disk is", SLOW, async () => {
    await using scene = await open();
    const tracked = await track(scene);
    const child = await childOf(scene);
    process.kill(child, "SIGSTOP");
    const replaced = async (): Promise<boolean> => {
      scene.write("file", `${performance.now()}\n`);
      expect(await tracked.check()).toHaveLength(1);
      const { childPid } = await statusOf(scene);
      return childPid !== undefined && childPid !== child;
    };
    await expect.poll(replaced, { timeout: 120_000 }).toBe(true);
    await expect.poll(() => commandOf(child)).toBe("");
    expect((await statusOf(scene)).childRestarts).toBe(1);
  });
});

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return ""; // Ended since it was listed.
  }
}
