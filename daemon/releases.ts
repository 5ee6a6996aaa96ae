/**
 * Releases: whatever the daemon has opened, given back in reverse, whatever fails on the way.
 * Owns the order. What releasing a part means is said where it is opened (main.ts).
 */

interface Log {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What was opened, to be released in reverse. */
export interface Releases {
  /** Keeps `part` to be released before all that were kept earlier. */
  last<T>(part: T, release: (part: T) => void | Promise<void>): T;
  /** Releases everything, the newest first; what fails is logged and stops nothing. */
  release(log?: Log): Promise<void>;
}

export function releases(): Releases {
  const kept: (() => void | Promise<void>)[] = [];
  return {
    last: (part, release) => {
      kept.push(() => release(part));
      return part;
    },
    release: async (log) => {
      log?.info({}, "stopping");
      for (const each of kept.splice(0).reverse()) {
        try {
          await each();
        } catch (error) {
          log?.error({ err: error }, "a part could not be released");
        }
      }
    },
  };
}
