/**
 * Waiting for a session's next event: what session/wait answers. Owns its timer and its listener, both gone at the end.
 */
import type { Store } from "../store/index.ts";

export interface Waited {
  /** Number of the event that ended the wait, else where the wait began. */
  readonly seq: number;
  readonly timedOut: boolean;
}

/** Resolves at the session's first event after `since` (else after now), after `timeoutMs`, or rejects on `signal`. */
export function waitForEvent(
  store: Store,
  session: string,
  options: { since?: number | undefined; timeoutMs?: number | undefined; signal: AbortSignal },
): Promise<Waited> {
  const { signal, timeoutMs } = options;
  const { seq: last } = store.sessions.require(session);
  const from = options.since ?? last;
  if (from < last) {
    const [missed] = store.events.since(from, { session }, 1);
    // None: it is as old as those that are not kept.
    return Promise.resolve({ seq: missed?.seq ?? last, timedOut: false });
  }
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      stopListening();
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      settle();
    };
    const abort = () => end(() => reject(signal.reason as Error));
    const stopListening = store.events.listen((event) => {
      if (event.session === session) end(() => resolve({ seq: event.seq, timedOut: false }));
    });
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => end(() => resolve({ seq: from, timedOut: true })), timeoutMs);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
  });
}
