/**
 * Watch children that are killed, interrupted or hang: another takes their place, nothing is missing after `sync`,
 * and nothing leaks. Source: umbrel#2158 (leaking descriptors).
 */
import { describe, expect, test } from "vitest";
import { openScene, sharedStage } from "../scene.ts";
import { childOf, childrenOf, daemonOf, inotifyOf } from "./processes.ts";
import { statusOf, track } from "./tracked.ts";

const stage = sharedStage({ killable: true });
const open = () => openScene({ on: stage(), files: { kept: "kept\n" } });

/** A machine that has other work takes its time. */
const SLOW = { timeout: 240_000 };

describe("the child", () => {
  test("killed over and over, by whatever signal, is replaced, and nothing leaks", SLOW, async () => {
    await using scene = await open();
    const tracked = await track(scene);
    const daemon = await daemonOf(scene);
    await childOf(scene);
    const before = inotifyOf(daemon);
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
    await expect.poll(() => childrenOf(daemon)).toHaveLength(1);
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
    const daemon = await daemonOf(scene);
    await expect.poll(() => childrenOf(daemon)).not.toContain(child);
    expect((await statusOf(scene)).childRestarts).toBe(1);
  });
});
