/**
 * A watch child that takes longer to begin than every deadline. Source: orca#8112 (a loop of starting and killing).
 */
import { expect, test } from "vitest";
import { openScene, type Scene } from "../scene.ts";
import { childrenOf, daemonOf, whileStopped } from "./processes.ts";
import { statusOf, sync, track } from "./tracked.ts";

test("it is waited for, not killed", { timeout: 240_000 }, async () => {
  await using scene = await openScene({ killable: true, files: { kept: "kept\n" } });
  const daemon = await daemonOf(scene);
  const child = await stoppedAtBirth(scene, daemon);
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

/** The child of the workspace, which is opened anew, stopped before it was live; it may be quicker than we. */
async function stoppedAtBirth(scene: Scene, daemon: number): Promise<number> {
  for (;;) {
    await scene.reviewer.call("workspace/close", { workspace: scene.workspace });
    await scene.reviewer.call("workspace/open", { root: scene.root });
    await expect.poll(() => childrenOf(daemon), { interval: 1 }).toHaveLength(1);
    const [child = 0] = childrenOf(daemon);
    process.kill(child, "SIGSTOP");
    if ((await statusOf(scene)).childPid === undefined) return child;
  }
}
