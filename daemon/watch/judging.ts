/**
 * Judging anew: when the rules of what is ignored change, or what is tracked does, everything is crawled and judged by
 * them as they are now.
 * Owns that one judging follows another, and whose changes lead to one: `.gitignore`s in the tree, git's files beside it.
 */

import { nameOf } from "../disk/path.ts";
import { openGitWatch } from "./git-watch.ts";
import type { Ignore } from "./ignore.ts";
import type { Ledger } from "./ledger.ts";

export interface Judging {
  /** Reads the rules for the first time. */
  begin(): Promise<void>;
  /** Reads the rules anew, and crawls where they are others; `isNews`: they are, whatever git says. */
  judge(isNews?: boolean): Promise<void>;
  close(): void;
}

export interface JudgingParts {
  readonly ledger: Pick<Ledger, "onChanges">;
  readonly ignore: Pick<Ignore, "refresh" | "files">;
  crawl(): Promise<void>;
}

export function openJudging({ ledger, ignore, crawl }: JudgingParts): Judging {
  let judged = Promise.resolve();
  let closed = false;

  const begin = async (): Promise<void> => {
    await ignore.refresh();
    if (!closed) gitWatch.follow(ignore.files);
  };
  const judge = (isNews = false): Promise<void> => {
    const again = async (): Promise<void> => {
      const isOther = await ignore.refresh();
      if (!(isOther || isNews) || closed) return;
      gitWatch.follow(ignore.files);
      await crawl();
    };
    // One after another: who asks waits for the crawl of who asked before.
    judged = judged.then(again, again);
    return judged;
  };
  const judgeSoon = (): void => void judge().catch(() => {});
  const gitWatch = openGitWatch(judgeSoon);
  const stopFollowing = ledger.onChanges((paths) => {
    if (paths.some((file) => nameOf(file) === ".gitignore")) judgeSoon();
  });

  return {
    begin,
    judge,
    close() {
      closed = true;
      stopFollowing();
      gitWatch.close();
    },
  };
}
