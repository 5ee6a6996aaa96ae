/**
 * Polling: why a root is polled, and that it is. Either its file system does not report what others do, or the system
 * has no more watches to give.
 * Owns the two reasons, and that each is said once. The crawls from time to time are repair.ts, the looks at HIGH paths
 * in between urgent.ts.
 */

import { limitWarning, unreportedFileSystem } from "./limits.ts";
import type { Repair } from "./repair.ts";
import type { Urgent } from "./urgent.ts";

export interface Polling {
  /** Whether there is a reason. */
  readonly needed: boolean;
  /** Whether it is that others' changes are not reported at all. */
  readonly isUnreported: boolean;
  /** Looks what the root is on. */
  begin(): Promise<void>;
  /** Polls from now on, as far as there is something that only polling sees. */
  poll(): void;
  /** There are no more watches. */
  limit(): void;
}

export interface PollingParts {
  readonly root: string;
  readonly repair: Pick<Repair, "poll">;
  readonly urgent: Pick<Urgent, "poll">;
  /** Resolves to how many directories the root has, once that is known. */
  directories(): Promise<number>;
  warnForGood(message: string): void;
  changed(): void;
}

export function openPolling(parts: PollingParts): Polling {
  const { root, repair, urgent, warnForGood } = parts;
  let limited = false;
  let unreported: string | undefined;

  const needed = (): boolean => limited || unreported !== undefined;
  const poll = (): void => {
    repair.poll();
    if (needed()) urgent.poll();
  };
  return {
    get needed() {
      return needed();
    },
    get isUnreported() {
      return unreported !== undefined;
    },
    async begin() {
      unreported = await unreportedFileSystem(root);
      if (unreported === undefined) return;
      warnForGood(`The root is on ${unreported}, which does not report others' changes; it is polled.`);
    },
    poll,
    limit() {
      const known = limited;
      limited = true;
      poll();
      if (known) return;
      parts.changed();
      parts.directories().then(
        (count) => warnForGood(limitWarning(count)),
        () => {},
      );
    },
  };
}
