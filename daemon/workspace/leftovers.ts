/**
 * Leftovers: journals that a write had to leave open, because a file of ours could not be removed or a record not be
 * written, are recovered again after a while, and not only at the next write or start.
 * Owns when; what recovery does is promotion's.
 */

/** Milliseconds; doubled each time that something is left still. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

export interface Leftovers {
  /** After each write: looks whether it has left anything. */
  look(): void;
  stop(): void;
}

/** `recover` is a write itself, and looks again when it has ended, whether it failed or not. */
export function followLeftovers(areLeft: () => boolean, recover: () => void): Leftovers {
  let pause = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | undefined;
  const look = (): boolean => {
    try {
      return areLeft();
    } catch {
      // A store that cannot be asked now is the next write's to complain of, not the end of this one's answer.
      return false;
    }
  };
  return {
    look: () => {
      if (!look()) {
        pause = FIRST_PAUSE_MS;
        return;
      }
      timer ??= setTimeout(() => {
        timer = undefined;
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
        recover();
      }, pause).unref();
    },
    stop: () => clearTimeout(timer),
  };
}
