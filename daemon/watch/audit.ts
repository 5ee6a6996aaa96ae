/**
 * The audit: the table compared with the disk, all at once when somebody asks, and slowly all the time, so that a change
 * that nobody reported stays unseen for a bounded time.
 * Owns the pass under way and its pace. What differs is differences.ts; finding it is `found`'s to repair and count.
 * Invariants: nothing is called a difference that was only on its way: a path that differs is looked at again after
 * everything reported was brought into the table, and counts when the disk said the same both times. A pass begins
 * where the direct watches do not reach, since the native child loses most.
 * Time: a step costs some milliseconds, and the pause after it so much more that all of it stays within SHARE.
 */

import type { AuditDifference } from "../../protocol/methods/values.ts";
import { compareDirectory, differenceAt, isSameSight, type Suspect } from "./differences.ts";
import type { Ground } from "./examine.ts";
import { eachAtOnce } from "./look.ts";

export interface Audited {
  readonly directories: number;
  readonly paths: number;
  readonly differences: readonly AuditDifference[];
}

export interface Audit {
  /** Compares everything now; repairs what differs. */
  now(signal: AbortSignal): Promise<Audited>;
  /** Starts the slow pass, which begins anew for ever; with a share of 0 it does nothing. */
  begin(): void;
  /** Passes that ended, and differences found by them and by `now`. */
  readonly passes: number;
  readonly differences: number;
  close(): void;
}

export interface AuditHooks {
  /** Brings everything that was reported before the call into the table. */
  settle(signal: AbortSignal): Promise<void>;
  /** Whether comparing is of use: not while a crawl is about to look at everything. */
  isCalm(): boolean;
  /** These differ. */
  found(differences: readonly AuditDifference[], inPassing: boolean): Promise<void>;
}

/** Of one core. */
const SHARE = 0.002;
const STEP_MS = 5;
const SHORTEST_PAUSE_MS = 100;
/** How often a path that moves while it is compared is tried again. */
const ROUNDS = 3;

export function openAudit(ground: Ground, hooks: AuditHooks, share = SHARE): Audit {
  const ended = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let queue: string[] = [];
  let first: ReadonlySet<string> = new Set();
  let passes = 0;
  let differences = 0;

  /** Leaves out what was only on its way. */
  const confirm = async (suspects: readonly Suspect[], signal: AbortSignal): Promise<AuditDifference[]> => {
    const confirmed: AuditDifference[] = [];
    let open = suspects;
    for (let round = 0; open.length > 0 && round < ROUNDS; round++) {
      await hooks.settle(signal);
      const again = await eachAtOnce(open, async (before) => ({ before, now: await lookAgain(before.path) }));
      open = [];
      const moving: Suspect[] = [];
      for (const { before, now } of again) {
        if (!now) continue;
        const { seen, ...difference } = now;
        if (isSameSight(before.seen, seen)) confirmed.push(difference);
        else moving.push(now);
      }
      open = moving;
    }
    return confirmed;
  };

  const lookAgain = (file: string): Promise<Suspect | undefined> =>
    differenceAt(ground, file, ground.ledger.table.get(file));

  /** Files that are listed although the directory above them is not. */
  const exempt = async (): Promise<Suspect[]> => {
    const found = await eachAtOnce([...ground.ignore.exempt()], lookAgain);
    return found.filter((suspect) => suspect !== undefined);
  };

  const conclude = async (suspects: readonly Suspect[], signal: AbortSignal, inPassing: boolean) => {
    const found = await confirm(suspects, signal);
    differences += found.length;
    if (found.length > 0) await hooks.found(found, inPassing);
    return found;
  };

  const step = async (): Promise<void> => {
    const suspects: Suspect[] = [];
    if (queue.length === 0) {
      first = new Set(ground.direct.uncovered);
      queue = [...ground.ignore.opened, "", ...first];
      suspects.push(...(await exempt()));
    }
    const until = performance.now() + STEP_MS;
    while (queue.length > 0 && performance.now() < until && !ended.signal.aborted) {
      const compared = await compareDirectory(ground, queue.pop() ?? "");
      for (const suspect of compared.suspects) suspects.push(suspect);
      for (const directory of compared.directories) if (!first.has(directory)) queue.push(directory);
    }
    await conclude(suspects, ended.signal, true);
    if (queue.length === 0) passes += 1;
  };

  const goOn = async (): Promise<void> => {
    const cost = meter();
    // Whatever keeps it from comparing is met, and told, by those who watch.
    if (hooks.isCalm()) await step().catch(() => {});
    if (!ended.signal.aborted) arm(cost() / share);
  };

  const arm = (ms: number): void => {
    timer = setTimeout(() => void goOn(), Math.max(SHORTEST_PAUSE_MS, ms)).unref();
  };

  return {
    async now(signal) {
      let [directories, paths] = [0, 0];
      const suspects = await exempt();
      const open = ["", ...ground.ignore.opened];
      while (open.length > 0) {
        signal.throwIfAborted();
        const compared = await compareDirectory(ground, open.pop() ?? "");
        directories += 1;
        paths += compared.paths;
        for (const suspect of compared.suspects) suspects.push(suspect);
        for (const directory of compared.directories) open.push(directory);
      }
      return { directories, paths, differences: await conclude(suspects, signal, false) };
    },
    begin() {
      if (share > 0) arm(0);
    },
    get passes() {
      return passes;
    },
    get differences() {
      return differences;
    },
    close() {
      ended.abort(new Error("The watch has ended."));
      clearTimeout(timer);
    },
  };
}

/** Milliseconds of work since the call: of all threads, but at least as long as it took. */
function meter(): () => number {
  const [startedAt, before] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(before);
    return Math.max(performance.now() - startedAt, (user + system) / 1000);
  };
}
