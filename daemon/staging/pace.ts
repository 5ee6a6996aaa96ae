/**
 * Pace: long computations on the event loop give the others their turn.
 * Time: milliseconds on the monotonic clock. What may run for long in one go belongs in a worker (differ.ts).
 */
import { setImmediate as turnOfTheLoop } from "node:timers/promises";

/** Worked on before the others get their turn. */
const TURN_MS = 10;

/** Lines that are looked at between two calls of a pace: some hundred microseconds, unless they are very long. */
export const PACE_LINES = 512;

/**
 * Resolves at once, or after a turn of the loop when there was none for TURN_MS; to be awaited between small pieces.
 *
 * @throws {unknown} the reason of the signal that it heeds
 */
export type Pace = () => Promise<void>;

export function startPace(signal?: AbortSignal): Pace {
  let turnBegan = performance.now();
  return async () => {
    if (performance.now() - turnBegan < TURN_MS) return;
    await turnOfTheLoop();
    signal?.throwIfAborted();
    turnBegan = performance.now();
  };
}
