/**
 * The inbox: a stream's notifications that its reader has not asked for yet.
 * Owns the bound on them. Taking the stream up again after an end is subscription.ts.
 * Invariant: what is in it is in order and without a gap; when it is full it ends, and takes nothing more.
 */

/** Notifications that wait unread, at most. */
const INBOX_ITEMS = 256;

/** A bounded queue with one reader. */
export interface Inbox {
  push(params: Record<string, unknown>): void;
  /** The next params; undefined when the stream has ended here and its items are taken. */
  take(): Promise<Record<string, unknown> | undefined>;
  end(): void;
}

export function makeInbox(): Inbox {
  const waiting: Record<string, unknown>[] = [];
  let ended = false;
  let wake = (): void => {};
  const end = (): void => {
    ended = true;
    wake();
  };
  return {
    push(params) {
      if (ended) return;
      waiting.push(params);
      // Those that wait are in order and kept; what comes after them is asked for again, by the cursor.
      if (waiting.length >= INBOX_ITEMS) end();
      wake();
    },
    async take() {
      if (waiting.length === 0 && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return waiting.shift();
    },
    end,
  };
}
