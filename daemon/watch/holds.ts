/**
 * Holds: paths that appeared or vanished and are looked at again a moment later, before that is believed, so that a
 * temporary file never shows and a replaced file is one change.
 * Owns one timer, which runs only while something is held. Times: milliseconds on the monotonic clock.
 */

export interface Holds {
  /** Holds a path that is not held yet. */
  add(path: string, ms: number): void;
  /** Takes out what is due, or everything. */
  take(all: boolean): Set<string>;
  close(): void;
}

/** `due` is called when there is something to take. */
export function openHolds(due: () => void): Holds {
  const held = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Number.POSITIVE_INFINITY;

  const arm = (at: number): void => {
    if (at >= timerAt) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(due, Math.max(1, at - performance.now()));
  };

  return {
    add(path, ms) {
      if (held.has(path)) return;
      const at = performance.now() + ms;
      held.set(path, at);
      arm(at);
    },
    take(all) {
      const now = performance.now() + 1;
      const taken = new Set<string>();
      let next = Number.POSITIVE_INFINITY;
      for (const [path, at] of held) {
        if (all || at <= now) taken.add(path);
        else next = Math.min(next, at);
      }
      for (const path of taken) held.delete(path);
      clearTimeout(timer);
      timerAt = Number.POSITIVE_INFINITY;
      if (held.size > 0) arm(next);
      return taken;
    },
    close() {
      clearTimeout(timer);
      held.clear();
    },
  };
}
