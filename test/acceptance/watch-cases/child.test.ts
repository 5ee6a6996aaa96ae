/**
 * Watch children that are killed, interrupted, slow or hang: another takes their place, nothing is missing after `sync`,
 * and nothing leaks. Source: research fact 7 and P8; umbrel#2158 (leaking descriptors), orca#8112 (kill loop).
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openScene, sharedStage } from "../scene.ts";
import { childOf, daemonOf, inotifyOf, statusOf, sync, track, whileStopped } from "./tracked.ts";

const stage = sharedStage({ killable: true });
const open = () => openScene({ on: stage(), files: { kept: "kept\n" } });

/** A machine that has other work takes its time. */
const SLOW = { timeout: 240_000 };

/** Processes that the daemon started, by what /proc says of parents. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

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
