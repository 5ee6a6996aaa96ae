/**
 * The whole daemon as victim: iopiped with a client, killed while it answers, then started again and asked.
 * Owns its processes. What a restarted daemon says over the wire must be what restartAndCheck then finds.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Connection, connect } from "../../client/index.ts";
import { spawnDaemon } from "../fixture/daemon.ts";
import { attach, COUNTABLE } from "./attach.ts";
import type { Stage } from "./case.ts";
import type { Action, Answer } from "./driver.ts";
import type { Slot, Template } from "./slot.ts";

const GRACE_MS = 1000;

/** A slot on which the action is a request to the daemon, and the restart is the daemon's. */
export function daemonStage(slot: Slot): Stage {
  return {
    slot,
    act: async (action, injections, record) => {
      await using daemon = await spawnDaemon({ ...slot.env, ...COUNTABLE });
      const client = await connectTo(slot);
      try {
        const ask = await asking(client, action);
        const tracing = await attach(daemon.child.pid as number, slot, injections, record);
        const answer = await Promise.race([ask(), daemon.exited.then(() => undefined)]);
        const answeredAt = Date.now() / 1000;
        // What was last before the answer in the recorded run may be first after it in this one.
        if (injections.length > 0) await Promise.race([daemon.exited, delay(GRACE_MS)]);
        daemon.child.kill("SIGKILL");
        await daemon.exited;
        const { missed, calls } = await tracing.end();
        return { answer, missed, calls: calls.filter(({ at }) => at < answeredAt) };
      } finally {
        client.close();
      }
    },
    look: (from) => lookAt(slot, from),
  };
}

const connectTo = (slot: Slot): Promise<Connection> =>
  connect({ env: slot.env, role: "reviewer", autostart: false });

async function asking(client: Connection, action: Action): Promise<() => Promise<Answer | undefined>> {
  const { workspaces } = await client.call("workspace/list", {});
  const workspace = workspaces[0]?.id ?? "";
  const { sessions } = await client.call("session/list", { workspace });
  const session = client.session(sessions[0]?.id ?? "");
  const { operations } = await client.call("operation/list", { workspace });
  const { digest = "" } = await session.diff();
  const request = async (): Promise<unknown> =>
    action === "undo"
      ? client.call("operation/undo", { operation: operations[0]?.id ?? "" })
      : session.apply(digest);
  // A connection that breaks is no answer.
  return () =>
    request()
      .then(() => ({ phase: "applied" as const }))
      .catch(() => new Promise<undefined>(() => {}));
}

/** Starts a daemon on what the last one left, and compares its answers with each other. */
async function lookAt(slot: Slot, from: Template): Promise<string[]> {
  await using daemon = await spawnDaemon({ ...slot.env });
  const client = await connectTo(slot);
  const { workspaces } = await client.call("workspace/list", {});
  const workspace = workspaces[0]?.id ?? "";
  const { patches } = await client.call("patch/list", { workspace });
  const { operations } = await client.call("operation/list", { workspace });
  client.close();
  daemon.child.kill("SIGTERM");
  const { code } = await daemon.exited;
  const [newest] = operations.length > (from === "pending" ? 0 : 1) ? operations : [];
  const happened = newest?.state === "committed";
  const wanted = from === "pending" ? (happened ? "Applied" : "Pending") : happened ? "Discarded" : "Applied";
  return [
    ...(code === 0 ? [] : [`the restarted daemon ended with ${code}`]),
    ...operations
      .filter(({ state }) => state === "running")
      .map(({ id }) => `operation ${id} is said to be running`),
    ...patches
      .filter(({ state }) => state !== wanted)
      .map(({ path, state }) => `the daemon says ${path} is ${state}`),
  ];
}
