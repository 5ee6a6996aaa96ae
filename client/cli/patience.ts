/**
 * Patience: how long iopipectl waits for a daemon that says nothing at all, and what it says meanwhile.
 * Owns the signs of life asked for beside a verb's own calls: one of these may rightly take hours (`wait`), so that only
 * a daemon that leaves a sign of life unanswered is called silent. Once silent, ^C need not wait for its answer.
 * Time: milliseconds. Nothing runs while nothing is waited for, so that an editor or a question is not written over.
 */
import { locate } from "../../protocol/wire/locations.ts";
import { readDaemonFile } from "../endpoints.ts";
import { cancelled, silentDaemon } from "../faults.ts";
import { ERASE_LINE, note } from "./output.ts";
import { visible } from "./visible.ts";

/** Silence that is worth a word. */
const SILENT_MS = 3000;
const LOOK_MS = 1000;
/** Between two signs of life, once there was one. */
const CALM_MS = 5000;

export interface Patience {
  /**
   * Waits for `work`, which a daemon does; says once on stderr when that has fallen silent.
   *
   * @throws {IopipeError} Timeout after the limit, Cancelled when `signal` is aborted, both only in silence; `work` is
   * then no longer waited for, and what became of it is not known.
   */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** From now on a silence of `ms` ends what is waited for. */
  limit(ms: number): void;
}

/** `signOfLife` resolves to whether the daemon has answered; never, while it does not. */
export function makePatience(signOfLife: () => Promise<boolean>, signal: AbortSignal): Patience {
  const waiting = new Set<(error: Error) => void>();
  let limitMs = Number.POSITIVE_INFINITY;
  /** Since when an answer is owed. */
  let since: number | undefined;
  let lookedAt = 0;
  let nextAsk = 0;
  let asking = false;
  let told = false;
  let timer: NodeJS.Timeout | undefined;

  const ask = async (): Promise<void> => {
    asking = true;
    const answered = await signOfLife();
    asking = false;
    if (!answered) return;
    since = undefined;
    nextAsk = performance.now() + CALM_MS;
  };
  const fail = (error: Error): void => {
    for (const reject of waiting) reject(error);
  };
  const look = (): void => {
    const now = performance.now();
    // Without a turn, as when it was stopped itself, this process has read no answer: that is nobody's silence.
    if (since !== undefined && now - lookedAt > 2 * LOOK_MS) since += now - lookedAt - LOOK_MS;
    lookedAt = now;
    if (!asking && now >= nextAsk) {
      since ??= now;
      void ask();
    }
    const silentMs = now - (since ?? now);
    if (silentMs < SILENT_MS) return;
    if (signal.aborted) fail(cancelled());
    else if (silentMs >= limitMs) fail(silentDaemon(locate().stateDir, pidOf(), silentMs));
    else if (!told) tell(pidOf());
    told = true;
  };
  const begin = (): void => {
    since = performance.now();
    lookedAt = since;
    nextAsk = since + LOOK_MS;
    timer = setInterval(look, LOOK_MS);
    signal.addEventListener("abort", look);
  };
  const end = (): void => {
    clearInterval(timer);
    signal.removeEventListener("abort", look);
  };
  return {
    limit: (ms) => {
      limitMs = ms;
    },
    during: async (work) => {
      const { promise: impatient, reject } = Promise.withResolvers<never>();
      if (waiting.size === 0) begin();
      waiting.add(reject);
      try {
        return await Promise.race([work(), impatient]);
      } finally {
        waiting.delete(reject);
        if (waiting.size === 0) end();
      }
    },
  };
}

function pidOf(): number | undefined {
  return readDaemonFile(locate())?.pid;
}

function tell(pid: number | undefined): void {
  const who = pid === undefined ? "No daemon has answered" : `The daemon, process ${pid}, has not answered`;
  const erase = process.stderr.isTTY === true ? ERASE_LINE : "";
  const where = `its state is in ${visible(locate().stateDir)}`;
  note(`${erase}${who} for ${SILENT_MS / 1000} s (${where}); still waiting.`);
  note("^C stops waiting; `iopipectl doctor` looks for what is wrong.");
}
