/**
 * Asking: every call that may change something goes through here, which holds what a refusal may and may not do.
 * Owns who asks: the first session is a proposer's, over its own socket.
 */
import { expect } from "vitest";
import {
  type IopipeError,
  isKind,
  isLost,
  type Params,
  type Patch,
  type Result,
} from "../../../client/index.ts";
import { treeOf, type World } from "./world.ts";

type Mutating =
  | "patch/stage"
  | "session/apply"
  | "session/decide"
  | "session/discard"
  | "session/rebase"
  | "session/restore"
  | "session/submit"
  | "operation/undo";

/** A call's outcome; `lost`: the daemon ended before it answered. */
export type Answer<N extends Mutating> =
  | { result: Result<N>; error?: never }
  | { result?: never; error: IopipeError | "lost" };

/** How often each call was answered, and how often it was refused with which kind: whether the histories are of use. */
export const tally: Record<string, number> = {};
const tell = (what: string): void => {
  tally[what] = (tally[what] ?? 0) + 1;
};

/** The proposer's calls go over its own socket; nobody but a reviewer may make the others. */
const PROPOSED: ReadonlySet<Mutating> = new Set<Mutating>([
  "patch/stage",
  "session/discard",
  "session/rebase",
  "session/restore",
  "session/submit",
]);

/** Makes a call. @throws where it is refused in a way that no call may be */
export async function ask<N extends Mutating>(
  world: World,
  method: N,
  params: Params<N>,
): Promise<Answer<N>> {
  const { scene, sessions, isQuiet } = world;
  const isProposers = PROPOSED.has(method) && (params as { session?: string }).session === sessions[0];
  const by = isProposers ? scene.proposer : scene.reviewer;
  if (isProposers) by.session(sessions[0] as string);
  const before = isQuiet ? await standing(world) : undefined;
  try {
    const result = await by.call(method, params);
    world.log.push(`${method} ${JSON.stringify(params).slice(0, 2000)}`);
    tell(method);
    // What is applied makes others' patches stale, and theirs that are taken back pending.
    if (method === "session/apply" || method === "operation/undo") world.isSettled = false;
    return { result };
  } catch (error) {
    world.log.push(`${method} ${JSON.stringify(params).slice(0, 2000)} REFUSED ${(error as Error).message}`);
    if (isLost(error) || isKind(error, "ShuttingDown")) return { error: "lost" };
    expectRefusal(error, method);
    tell(`${method} ${error.kind}`);
    if (before && world.isQuiet) expect(await standing(world), `after a refused ${method}`).toEqual(before);
    return { error };
  }
}

/** Every refusal says what, where and what next. */
export function expectRefusal(error: unknown, doing: string): asserts error is IopipeError {
  if (!isKind(error)) throw error;
  const { kind, message, data } = error;
  expect(["InternalError", "InvalidRequest", "ParseError"], `${doing}: ${message}`).not.toContain(kind);
  expect(data.hint, `${doing}: ${message}`).toMatch(/\w{2}/);
  expect(message, doing).toMatch(/\w{2}/);
  if (data.path !== undefined) expect(message, `${doing}, ${kind}`).toContain(data.path);
}

/** What a refused call may not change. Staleness may be noticed at any time. */
async function standing(world: World): Promise<unknown> {
  const sessions = [];
  for (const session of world.sessions) {
    const { session: whole, patches } = await world.scene.reviewer.call("session/get", { session });
    const { ready, message } = whole;
    sessions.push({
      ready,
      message,
      patches: Object.fromEntries(patches.map((patch) => [patch.id, lasting(patch)])),
    });
  }
  return { tree: treeOf(world), sessions };
}

function lasting({ path: at, state, reason, base, after, decision, note }: Patch): string {
  const stands = state === "Pending" || reason === "stale" ? "unsettled" : `${state} ${reason}`;
  return JSON.stringify({ at, stands, base, after, decision, note });
}
