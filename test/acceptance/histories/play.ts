/**
 * Living a history: one command after the other, and what must hold after each.
 */
import type { Scene } from "../scene.ts";
import { applyQuietly } from "./apply.ts";
import { call } from "./calls.ts";
import { named } from "./changes.ts";
import type { Command, Outside } from "./commands.ts";
import { crash, restart } from "./ends.ts";
import { expectEvents, expectSound, operationsOf, stampsIn } from "./invariants.ts";
import { look } from "./look.ts";
import { openWorld, sessionOf, settle, treeOf, type World } from "./world.ts";

export async function live(scene: Scene, history: readonly Command[]): Promise<void> {
  const world = await openWorld(scene);
  try {
    for (const command of history) {
      world.log.push(`-- ${JSON.stringify(command)}`);
      await play(world, command);
      await expectSound(world);
    }
    await settle(world);
    await expectSound(world);
    await expectEvents(world);
  } catch (error) {
    (error as Error).message += `\n${world.log.join("\n")}`;
    throw error;
  } finally {
    await world.somebody.end();
  }
}

async function play(world: World, command: Command): Promise<void> {
  if (command.call === "outside") return edit(world, command);
  if (command.call === "beside") return beside(world, command);
  if (command.call === "together") return together(world, command);
  if (command.call === "look") return look(world, sessionOf(world, command));
  if (command.call === "restart") return restart(world);
  if (command.call === "crash") return crash(world, command);
  if (command.call === "apply") return applyQuietly(world, command);
  await call(world, command);
}

/** What somebody removes or writes over is gone by their own hand. */
async function edit(world: World, { edits }: Extract<Command, { call: "outside" }>): Promise<void> {
  const before = stampsIn(world);
  world.isSettled = false;
  const written = await world.somebody.edit(namedEdits(world, edits));
  const after = stampsIn(world);
  for (const stamp of before) if (!after.has(stamp)) world.stamps.delete(stamp);
  for (const stamp of written) if (after.has(stamp)) world.stamps.add(stamp);
}

function namedEdits(world: World, edits: readonly Outside[]): Outside[] {
  const files = Object.keys(treeOf(world)).map((file) => file.replace(/\/$/, ""));
  const meant = edits.map((edit) => ({ ...edit, path: named(edit.path, files) }));
  world.log.push(`somebody ${JSON.stringify(meant)}`);
  return meant;
}

/** Only of who adds to a file is it known that what they leave out was not theirs to lose. */
async function beside(world: World, command: Extract<Command, { call: "beside" }>): Promise<void> {
  await settle(world);
  world.isQuiet = false;
  world.isSettled = false;
  const asked = call(world, command.meant);
  const written = await world.somebody.edit(namedEdits(world, command.edits), command.afterMs);
  await asked;
  if (command.edits.some(({ act }) => act !== "append" && act !== "touch" && act !== "chmod"))
    world.stamps.clear();
  else for (const stamp of written) world.stamps.add(stamp);
  await settle(world);
  await resolve(world);
  world.isQuiet = true;
}

/** Two calls at once, whoever is first. */
async function together(world: World, { one, other }: Extract<Command, { call: "together" }>): Promise<void> {
  world.isQuiet = false;
  await Promise.all([call(world, one), call(world, other)]);
  await settle(world);
  await resolve(world);
  world.isQuiet = true;
}

async function resolve(world: World): Promise<void> {
  for (const { id, state } of await operationsOf(world))
    if (state === "needsAttention") await world.scene.reviewer.call("operation/resolve", { operation: id });
}
