/**
 * Progress of one request: `$/progress`, seldom enough that nobody drowns in it.
 * Time: milliseconds on the monotonic clock. The answer says that the work is done; no last notification is owed.
 */
import type { Call, Peer } from "./call.ts";

/** At most ten a second. */
const INTERVAL_MS = 100;

/** A request's `progress`; does nothing when `params` ask for none. */
export function createProgress(params: unknown, peer: Peer): Call["progress"] {
  const token = (params as { progressToken?: unknown } | undefined)?.progressToken;
  if (typeof token !== "string" && typeof token !== "number") return () => {};
  let sentAt = Number.NEGATIVE_INFINITY;
  let phaseBegan = 0;
  let current: string | undefined;
  let busy = false;
  return (phase, done, total) => {
    const now = performance.now();
    if (phase !== current) {
      current = phase;
      phaseBegan = now;
    }
    if (busy || now - sentAt < INTERVAL_MS) return;
    sentAt = now;
    busy = true;
    const value = { phase, done, total, ...estimate(now - phaseBegan, done, total) };
    // A client that does not read gets no more of them until it has caught up.
    void peer.notify("$/progress", { token, value }).then(() => {
      busy = false;
    });
  };
}

/** The time left if the phase goes on as it has; nothing where that is a guess. */
function estimate(elapsedMs: number, done: number, total: number): { etaMs?: number } {
  if (done <= 0 || done > total || elapsedMs <= 0) return {};
  return { etaMs: Math.round((elapsedMs * (total - done)) / done) };
}
