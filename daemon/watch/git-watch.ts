/**
 * Git's files: says when one of those moved that decide what is ignored: the index and HEAD (what is tracked),
 * configuration, and ignore files outside the root.
 * Owns a watch of each directory that holds some of them; nothing there is ever a change of the root. Which files they
 * are is ignore.ts.
 * Failure: without the watch, `sync` still asks git.
 */

import { type FSWatcher, watch } from "node:fs";
import path from "node:path";

export interface GitWatch {
  /** Watches for these files (absolute) from now on. */
  follow(files: readonly string[]): void;
  close(): void;
}

/** An index is written and renamed. */
const FIRST_MS = 50;
/** A rebase does so many times in a row, and starting git holds up the loop for longer than a HIGH file may wait. */
const AGAIN_MS = 1000;

export function openGitWatch(moved: () => void): GitWatch {
  let watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  let toldAt = Number.NEGATIVE_INFINITY;

  const stir = (): void => {
    const tell = (): void => {
      timer = undefined;
      toldAt = performance.now();
      moved();
    };
    timer ??= setTimeout(tell, Math.max(FIRST_MS, toldAt + AGAIN_MS - performance.now())).unref();
  };

  const watchFor = (directory: string, names: ReadonlySet<string>): FSWatcher | undefined => {
    try {
      const watcher = watch(directory, { persistent: false }, (_, name) => {
        if (name !== null && names.has(name)) stir();
      });
      return watcher.on("error", () => {});
    } catch {
      return undefined; // The watch limit, or a directory that is not there.
    }
  };

  const end = (): void => {
    for (const watcher of watchers) watcher.close();
    watchers = [];
  };

  return {
    follow(files) {
      end();
      const byDirectory = Object.entries(Object.groupBy(files, (file) => path.dirname(file)));
      watchers = byDirectory
        .map(([directory, inIt = []]) =>
          watchFor(directory, new Set(inIt.map((file) => path.basename(file)))),
        )
        .filter((watcher) => watcher !== undefined);
    },
    close() {
      end();
      clearTimeout(timer);
    },
  };
}
