/** The daemon's ends: asked to stop or killed, between calls or in the middle of one. */
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { call } from "./calls.ts";
import type { Command } from "./commands.ts";
import { operationsOf } from "./invariants.ts";
import { settle, treeOf, type World } from "./world.ts";

/** Whatever is asked, the answers are as before. */
export async function restart(world: World): Promise<void> {
  await settle(world);
  const before = await answers(world);
  await world.scene.end();
  await world.scene.start();
  world.isSettled = false;
  await settle(world);
  expect(await answers(world), "after a restart").toEqual(before);
}

const LEARNT: ReadonlySet<string> = new Set(["syntax", "risk"]);

async function answers(world: World): Promise<unknown> {
  const { reviewer } = world.scene;
  const sessions = [];
  for (const session of world.sessions)
    sessions.push([
      await reviewer.call("session/get", { session }),
      await reviewer.call("session/diff", { session }),
    ]);
  // What a parser says may come later, and with it the risk.
  const lasting = JSON.parse(JSON.stringify(sessions, (key, value) => (LEARNT.has(key) ? undefined : value)));
  return { sessions: lasting, operations: await operationsOf(world), tree: treeOf(world) };
}

/** Ended in the middle of a call: all of it is there, or nothing. */
export async function crash(
  world: World,
  { meant, afterMs }: Extract<Command, { call: "crash" }>,
): Promise<void> {
  await settle(world);
  const before = treeOf(world);
  const operations = new Set((await operationsOf(world)).map(({ id }) => id));
  world.isQuiet = false;
  world.isSettled = false;
  const asked = call(world, meant).catch((error) => {
    // A call after the end finds its connection closed.
    if (!/lost|ended|closed/i.test(String(error))) throw error;
  });
  await delay(afterMs);
  await world.scene.end();
  await asked;
  await world.scene.start();
  await settle(world);
  world.isQuiet = true;
  const made = (await operationsOf(world)).filter(
    ({ id, state }) => !operations.has(id) && state === "committed",
  );
  if (made.length === 0) expect(treeOf(world), "nothing was committed").toEqual(before);
}
