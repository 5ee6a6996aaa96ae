/**
 * Git's own directory: says when its index or HEAD moved, since what is tracked decides what is ignored.
 * Owns one watch of that directory; nothing in it is ever a change of the root. What git says is git.ts.
 * Failure: without the watch, `sync` still asks git.
 */

import { type FSWatcher, watch } from "node:fs";

export interface GitWatch {
  /** Watches another directory from now on; undefined: none. */
  follow(gitDir: string | undefined): void;
  close(): void;
}

/** An index is written and renamed. */
const FIRST_MS = 50;
/** A rebase does so many times in a row, and starting git holds up the loop for longer than a HIGH file may wait. */
const AGAIN_MS = 1000;

export function openGitWatch(moved: () => void): GitWatch {
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  let toldAt = Number.NEGATIVE_INFINITY;

  const stir = (name: string | null): void => {
    if (name !== "index" && name !== "HEAD") return;
    const tell = (): void => {
      timer = undefined;
      toldAt = performance.now();
      moved();
    };
    timer ??= setTimeout(tell, Math.max(FIRST_MS, toldAt + AGAIN_MS - performance.now())).unref();
  };

  return {
    follow(gitDir) {
      watcher?.close();
      watcher = undefined;
      if (gitDir === undefined) return;
      try {
        watcher = watch(gitDir, { persistent: false }, (_, name) => stir(name));
        watcher.on("error", () => {});
      } catch {
        // The watch limit, or a repository that just went.
      }
    },
    close() {
      watcher?.close();
      clearTimeout(timer);
    },
  };
}
