/**
 * What must hold after every step: sessions agree with their patches, digests with what they stand for, events with
 * what has become of everything, and nothing that somebody wrote is gone.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import type { Operation, Patch } from "../../../client/index.ts";
import { treeOf, type World } from "./world.ts";

export async function expectSound(world: World): Promise<void> {
  for (const session of world.sessions) await expectSession(world, session);
  await expectNothingLost(world);
}

const count = (patches: readonly Patch[], matches: (patch: Patch) => boolean): number =>
  patches.filter(matches).length;

async function expectSession(world: World, id: string): Promise<void> {
  const { session, patches } = await world.scene.reviewer.call("session/get", { session: id });
  const stale = count(patches, ({ reason }) => reason === "stale");
  const counts = {
    pending: count(patches, ({ state }) => state === "Pending"),
    stale,
    applied: count(patches, ({ state }) => state === "Applied"),
    discarded: count(patches, ({ state }) => state === "Discarded") - stale,
  };
  expect(session.patches).toEqual(counts);
  const unsettled = counts.pending + counts.stale > 0 || patches.length === 0;
  expect(session.state).toBe(unsettled ? "Pending" : counts.applied > 0 ? "Applied" : "Discarded");
  const pending = patches.filter(({ state }) => state === "Pending");
  const held = pending.flatMap(({ path: at, from }) => (from === undefined ? [at] : [at, from]));
  expect(held, "one pending patch a path").toEqual([...new Set(held)]);
  const effect = JSON.stringify(pending.map(effectOf).sort());
  for (const [key, value] of [
    [session.digest, effect],
    [effect, session.digest],
  ] as const) {
    expect(world.effects.get(key) ?? value, "a digest is of one effect, and an effect of one digest").toBe(
      value,
    );
    world.effects.set(key, value);
  }
}

function effectOf({ path: at, kind, from, base, after }: Patch): string {
  const image = ({ exists, type, hash, target, mode }: Patch["base"]) => [exists, type, hash, target, mode];
  return JSON.stringify([at, kind, from, image(base), image(after)]);
}

export async function operationsOf({ scene }: World): Promise<Operation[]> {
  const { workspace, reviewer } = scene;
  const found: Operation[] = [];
  for (let after: string | undefined; ; ) {
    const page = await reviewer.call("operation/list", { workspace, ...(after !== undefined && { after }) });
    found.push(...page.operations);
    after = page.next;
    if (after === undefined) return found;
  }
}

/** The stamps in the tree and in what links of it lead to outside. */
export function stampsIn(world: World): Set<string> {
  const outside = path.join(path.dirname(world.scene.root), "outside/file");
  const all = [...Object.values(treeOf(world)), readFileSync(outside, "latin1")].join("\n");
  return new Set(all.match(/stamp-\d+-/g));
}

async function expectNothingLost(world: World): Promise<void> {
  const there = stampsIn(world);
  const missing = [...world.stamps].filter((stamp) => !there.has(stamp));
  if (missing.length === 0) return;
  const kept = await keptIn(world);
  expect(
    missing.filter((stamp) => !kept.includes(stamp)),
    "somebody's bytes are in no file and no operation",
  ).toEqual([]);
}

/** The bytes of everything that operations have taken away or rescued. */
async function keptIn(world: World): Promise<string> {
  const { reviewer } = world.scene;
  const files = (await operationsOf(world)).flatMap((operation) => operation.files);
  const blobs = new Set(files.flatMap(({ before, rescued }) => [before.hash, rescued]));
  let kept = "";
  for (const blob of blobs) {
    if (blob === undefined) continue;
    const { data } = await reviewer.call("blob/read", { blob });
    kept += Buffer.from(data, "base64").toString("latin1");
  }
  return kept;
}

/** The events since the history began are in order, and the last that names a thing tells what it is. */
export async function expectEvents(world: World): Promise<void> {
  const { reviewer, workspace } = world.scene;
  const gets = await Promise.all(world.sessions.map((session) => reviewer.call("session/get", { session })));
  const target = Math.max(...gets.map(({ session }) => session.seq));
  const told = new Map<string, string>();
  let last = world.since;
  for await (const event of reviewer.events({ workspace, since: world.since })) {
    expect(event.seq).toBeGreaterThan(last);
    last = event.seq;
    const { patch, operation } = event as { patch?: Patch; operation?: Operation };
    if (patch) told.set(patch.id, `${patch.state} ${patch.reason} ${patch.decision}`);
    if (operation) told.set(operation.id, operation.state);
    if (event.seq >= target) break;
  }
  for (const { id, state } of await operationsOf(world)) expect(told.get(id), `events of ${id}`).toBe(state);
  for (const { patches } of gets)
    for (const patch of patches) {
      // Its successor's event tells of the one; the operation's of the other.
      if (patch.reason === "superseded" || patch.state === "Applied" || patch.reason === "undone") continue;
      expect(told.get(patch.id), `events of ${patch.id}, ${patch.path}`).toBe(
        `${patch.state} ${patch.reason} ${patch.decision}`,
      );
    }
}
