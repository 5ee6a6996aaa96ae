/**
 * Events that are lost: nothing is missing after `sync`, and `daemon/status` says what happened. Source: watchman#1354
 * (recrawl without back-off).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Scene, sharedStage } from "../scene.ts";
import { childOf, daemonOf, whileStopped } from "./processes.ts";
import { roomyScenes } from "./roomy.ts";
import { statusOf, track } from "./tracked.ts";

const stage = sharedStage({ killable: true });
const roomy = roomyScenes(stage);
const open = () => roomy({ "flood/kept": "kept\n" });

/** Floods take their time on a machine that has other work. */
const SLOW = { timeout: 240_000 };

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
