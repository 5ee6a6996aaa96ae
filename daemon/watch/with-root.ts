/**
 * Questions to a root: each waits until the root is present and crawled, as long as it may, and is asked again where
 * another directory took the root's place meanwhile: what was found out about one that is no longer the root is no answer.
 * Owns the time limits and what is said when one has passed. Presence is life.ts'.
 */

import { IopipeError } from "../../protocol/wire/errors.ts";
import type { Life } from "./life.ts";
import type { Live } from "./live.ts";
import { deadline, until } from "./waiting.ts";

/** The longest that a question without a time limit of its own waits for a crawl. */
const LONGEST_WAIT_MS = 3_600_000;

interface Asking {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface WithRoot {
  /** @throws {IopipeError} SyncTimeout, Cancelled, RootGone; what `end` said where it was said meanwhile */
  <T>(work: (live: Live, signal: AbortSignal) => Promise<T>, asking: Asking): Promise<T>;
  /** From now on nothing is answered; what fails from here on fails for this reason. */
  end(reason: IopipeError): void;
}

export function makeWithRoot(root: string, life: Life): WithRoot {
  let ended: IopipeError | undefined;

  const isStill = async (live: Live): Promise<boolean> => {
    await life.look();
    return (await life.present()) === live;
  };

  const attempt = async <T>(
    work: (live: Live, signal: AbortSignal) => Promise<T>,
    limit: AbortSignal,
  ): Promise<T> => {
    for (;;) {
      const live = await until(life.present(), limit);
      try {
        await until(live.ready, limit);
        const result = await until(work(live, limit), limit);
        if (await until(isStill(live), limit)) return result;
      } catch (error) {
        if (await until(isStill(live), limit)) throw error;
      }
    }
  };

  const withRoot = async <T>(
    work: (live: Live, signal: AbortSignal) => Promise<T>,
    { timeoutMs = LONGEST_WAIT_MS, signal }: Asking,
  ): Promise<T> => {
    const timedOut = () => syncTimeout(root, timeoutMs);
    const limit = deadline(timeoutMs, timedOut, signal, () => cancelled(root));
    try {
      return await attempt(work, limit.signal);
    } catch (error) {
      throw limit.signal.aborted ? error : (ended ?? error);
    } finally {
      limit.end();
    }
  };
  const end = (reason: IopipeError): void => {
    ended = reason;
  };
  return Object.assign(withRoot, { end });
}

function syncTimeout(root: string, ms: number): IopipeError {
  return new IopipeError("SyncTimeout", `The watcher of ${root} did not catch up within ${ms} ms.`);
}

function cancelled(root: string): IopipeError {
  return new IopipeError("Cancelled", `Waiting for ${root} was cancelled.`);
}
