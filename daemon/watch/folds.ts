/**
 * Folds: changes below ignored directories, counted and written as one entry for each directory.
 * Owns one timer, which runs only while something is counted. Best effort: of what happened below an ignored directory
 * while nobody watched, only a change of the directory itself is found.
 */

import type { Ledger } from "./ledger.ts";

export interface Folds {
  /** Notes one change below `directory`. */
  count(directory: string): void;
  /** Writes what was counted. */
  write(): void;
  close(): void;
}

/** An ignored directory under a build is worth two entries a second, no more. */
const FOLD_MS = 500;

export function openFolds(ledger: Ledger): Folds {
  let counts = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  const write = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const counted = counts;
    counts = new Map();
    if (counted.size === 0) return;
    ledger.write(() => {
      for (const [directory, count] of counted) ledger.fold(directory, count);
    });
  };

  return {
    count(directory) {
      counts.set(directory, (counts.get(directory) ?? 0) + 1);
      timer ??= setTimeout(write, FOLD_MS);
    },
    write,
    close: () => clearTimeout(timer),
  };
}
