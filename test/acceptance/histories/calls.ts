/**
 * The calls of a history, from what was drawn to what is asked on the wire, one table entry each.
 */

import { paramsOf } from "./apply.ts";
import { ask } from "./ask.ts";
import { changesOf } from "./changes.ts";
import type { Called } from "./commands.ts";
import { operationsOf } from "./invariants.ts";
import { pick, pickSome, sessionOf, type World } from "./world.ts";

type Of<K, C = Called> = C extends { call: infer U } ? (K extends U ? C : never) : never;
type Calls = { [K in Called["call"]]: (world: World, command: Of<K>) => Promise<unknown> };

async function patchesOf(world: World, command: { session: number }) {
  return (await world.scene.reviewer.call("session/get", { session: sessionOf(world, command) })).patches;
}

async function moved(world: World, command: Of<"discard">): Promise<unknown> {
  const session = sessionOf(world, command);
  const { call, some } = command;
  if (call === "submit") return ask(world, "session/submit", { session, message: "look" });
  const patches = await patchesOf(world, command);
  if (call === "rebase") {
    const paths = pickSome(
      patches.map(({ path }) => path),
      some,
    );
    return ask(world, "session/rebase", { session, ...(paths && { paths }) });
  }
  const named = pickSome(
    patches.map(({ id }) => id),
    some,
  );
  return ask(world, `session/${call}`, { session, ...(named && { patches: named }) });
}

const CALLS: Calls = {
  stage: async (world, command) => {
    const session = sessionOf(world, command);
    const { reviewer, root } = world.scene;
    const changes = await changesOf(reviewer.session(session), command.changes, root);
    // What does not fit is left out, so that the rest is staged.
    while (changes.length > 0) {
      const { error } = await ask(world, "patch/stage", { session, changes });
      if (error === undefined || error === "lost") return;
      changes.splice(error.data.index ?? 0, 1);
    }
  },
  apply: async (world, command) => ask(world, "session/apply", await paramsOf(world, command)),
  undo: async (world, command) => {
    const operation = pick(await operationsOf(world), command.pick);
    if (!operation) return;
    const paths = pickSome(
      operation.files.map(({ path }) => path),
      command.some,
    );
    const { result } = await ask(world, "operation/undo", {
      operation: operation.id,
      ...(paths && { paths }),
      ...(command.skip && { onModified: "skip" as const }),
      ...(command.stage && { stage: true }),
    });
    if (result?.session) world.sessions.push(result.session.id);
  },
  ...{ discard: moved, restore: moved, rebase: moved, submit: moved },
  decide: async (world, command) => {
    const session = sessionOf(world, command);
    const pending = (await patchesOf(world, command)).filter(({ state }) => state === "Pending");
    const patch = pick(pending, command.pick);
    if (!patch) return;
    const { how, content } = command;
    const { reviewer, root } = world.scene;
    const [change] = await changesOf(
      reviewer.session(session),
      [{ kind: "write", path: patch.path, content, breaks: false }],
      root,
    );
    const { files } = await reviewer
      .call("session/diff", { session, format: "hunks" })
      .catch(() => ({ files: [] }));
    const hunks =
      files
        .find((file) => file.patch === patch.id)
        ?.hunks?.slice(0, 1)
        .map(({ id }) => id) ?? [];
    const decision = how === "rejected" ? "rejected" : "approved";
    return ask(world, "session/decide", {
      session,
      decisions: [
        {
          ...{ patch: patch.id, decision, note: "so" },
          ...(how === "hunks" && { hunks }),
          ...(how === "change" && { change }),
        },
      ],
    });
  },
};

/** Makes the call that was drawn. */
export const call = (world: World, command: Called): Promise<unknown> =>
  (CALLS[command.call] as (world: World, command: Called) => Promise<unknown>)(world, command);
