/**
 * What the ways through the house share: the parts that a session's apply, an operation's undo and a diff go through.
 * Shapes only; main.ts builds it.
 */
import type { Staging } from "../staging/index.ts";
import type { Store } from "../store/index.ts";
import type { serialBy } from "./serial.ts";
import type { Workspaces } from "./workspaces.ts";

export interface House {
  readonly store: Store;
  readonly staging: Staging;
  readonly workspaces: Workspaces;
  /**
   * Changes to one session run one after another, in their order of asking.
   * INVARIANT: whoever needs both takes a session's turn first and the workspace's write lock second.
   */
  readonly sessionTurn: ReturnType<typeof serialBy>;
}

/** Who asks, and how to tell them; the part of a call that is not JSON-RPC's. */
export interface Asking {
  /** The client's name. */
  readonly by: string | undefined;
  readonly signal: AbortSignal;
  progress(phase: string, done: number, total: number): void;
}
