/**
 * The proof behind `sync`: that everything which happened before the call is in the table.
 * Hints of directly watched directories are complete once a cookie came out of their queue, unless a burst said
 * otherwise. Whatever that does not cover (beyond the budget, polled, after a loss) is crawled. The native child is never
 * part of it: it merges a replaced and then deleted file into nothing, and goes blind in new directories.
 * Owns nothing that lasts; where hints come from is live.ts.
 */

import type { Cookies } from "./cookies.ts";
import type { Ground } from "./examine.ts";
import type { Native } from "./native.ts";
import type { Reconciler } from "./reconcile.ts";
import type { Repair } from "./repair.ts";
import { unproven } from "./unproven.ts";
import { deadline } from "./waiting.ts";

export interface Proof {
  /** See Live.prove. */
  prove(paths: readonly string[] | undefined, signal: AbortSignal): Promise<boolean>;
  /** Has those who watch tell what they saw before the call, and brings it into the table; crawls nothing. */
  settle(signal: AbortSignal): Promise<void>;
}

export interface ProofParts {
  readonly ground: Pick<Ground, "ledger" | "ignore" | "direct">;
  readonly cookies: Pick<Cookies, "direct" | "prove" | "heardByChild">;
  readonly native: Pick<Native, "ready">;
  readonly reconciler: Pick<Reconciler, "hint" | "flush">;
  readonly repair: Pick<Repair, "needed" | "crawl">;
  /** Whether something may happen that nobody reports. */
  isBlind(): boolean;
  /** Whether others' changes are not reported at all. */
  isUnreported(): boolean;
  /** Has everything judged by the rules as they are now. */
  judge(): Promise<void>;
  /** Aborted when the watching ends. */
  readonly ended: AbortSignal;
}

/** Twice the child's longest debounce, and its start. */
const CHILD_WAIT_MS = 2000;
/** Ignored directories that a `sync` looks at. */
const MAX_FOLDED = 1000;

export function openProof(parts: ProofParts): Proof {
  const { ground, cookies, native, reconciler, repair } = parts;
  const { ledger, ignore, direct } = ground;

  /** Resolves when the direct watches have told what happened before the call; at once where there are none. */
  const heardDirectly = async (signal: AbortSignal): Promise<void> => {
    if (cookies.direct) await cookies.prove(AbortSignal.any([signal, parts.ended]));
  };

  /** Gives the child the time to say what it saw before the call. */
  const hearChild = async (signal: AbortSignal): Promise<void> => {
    const late = deadline(
      CHILD_WAIT_MS,
      () => new Error("The child is late."),
      signal,
      () => signal.reason as Error,
    );
    await native
      .ready(late.signal)
      .then(() => cookies.heardByChild(late.signal))
      .catch(() => {})
      .finally(late.end);
  };

  /** Ignored directories are seen by the child alone. */
  const hearOfIgnored = async (signal: AbortSignal): Promise<void> => {
    const folded = ledger.table.folded(MAX_FOLDED);
    if (folded.length === 0) return;
    await hearChild(signal);
    for (const directory of folded) reconciler.hint(directory);
  };

  return {
    async prove(paths, signal) {
      await heardDirectly(signal);
      if (!paths) await hearOfIgnored(signal);
      for (const file of paths ?? []) reconciler.hint(file);
      for (const file of unproven(ignore.exempt(), ledger.table, direct)) reconciler.hint(file);
      if (parts.isBlind() || repair.needed) await repair.crawl();
      await reconciler.flush();
      await parts.judge();
      return !parts.isUnreported();
    },
    async settle(signal) {
      await heardDirectly(signal);
      if (direct.uncovered.size > 0) await hearChild(signal);
      await reconciler.flush();
      await parts.judge();
    },
  };
}
