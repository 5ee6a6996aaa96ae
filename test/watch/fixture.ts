/**
 * A watched root for tests: a real directory, a real child, a real database; and a walk of the disk to compare with.
 * Owns its temporary directory and removes it. Nothing here waits for a time: tests wait for `sync`.
 */

import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { openWatchTable } from "../../daemon/store/watch-table.ts";
import { type Counters, type RootWatch, watchRoot } from "../../daemon/watch/index.ts";
import type { FileChange, WatchRules } from "../../protocol/methods/values.ts";

export interface Place {
  readonly base: string;
  readonly root: string;
  readonly counters: Counters;
  write(file: string, content?: string): void;
  git(...args: string[]): void;
  /** Starts a daemon's part of watching; several after one another stand for restarts. */
  open(options?: {
    directBudget?: number;
    guarded?: string[];
    auditShare?: number;
    rules?: WatchRules;
    root?: string;
  }): Opened;
  remove(): Promise<void>;
}

export interface Opened {
  readonly watch: RootWatch;
  /** Everything after a clock, over all pages. */
  all(clock?: string, include?: string[]): Promise<{ clock: string; fresh: boolean; changes: FileChange[] }>;
  sync(paths?: string[]): Promise<string>;
  close(): Promise<void>;
}

export function makePlace(): Place {
  const base = realpathSync(mkdtempSync(path.join(tmpdir(), "iopipe-watch-test-")));
  const root = path.join(base, "root");
  const marks = new Map<string, number>();
  const counters: Counters = {
    get: (name) => marks.get(name) ?? 0,
    raise: (name, to) => void marks.set(name, Math.max(to, marks.get(name) ?? 0)),
  };
  mkdirSync(root);
  const opened = new Set<Opened>();
  const place: Place = {
    base,
    root,
    counters,
    write(file, content = file) {
      const target = path.join(root, file);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, content);
    },
    git: (...args) =>
      void execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...args], {
        cwd: root,
        stdio: "ignore",
      }),
    open(options = {}) {
      const table = openWatchTable(path.join(base, "watch.db"));
      const log = { info: () => {}, warn: () => {} };
      const cookieDir = path.join(base, "cookies");
      const watch = watchRoot({ workspace: "w1", root, table, counters, cookieDir, log, ...options });
      const one: Opened = {
        watch,
        async all(clock, include) {
          let page = await watch.since(clock, { include }, 1000);
          const { fresh } = page;
          const changes = [...page.changes];
          while (page.more) {
            page = await watch.since(page.clock, { include }, 1000);
            changes.push(...page.changes);
          }
          return { clock: page.clock, fresh, changes };
        },
        sync: async (paths) => (await watch.sync(paths, 20_000)).clock,
        async close() {
          opened.delete(one);
          await watch.close();
          table.close();
        },
      };
      opened.add(one);
      return one;
    },
    async remove() {
      for (const one of [...opened]) await one.close();
      rmSync(base, { recursive: true, force: true });
    },
  };
  return place;
}

/** All files and links of a directory but `.git`'s, as `path` → "size mtime mode". */
export function walk(root: string, directory = "", found = new Map<string, string>()): Map<string, string> {
  for (const name of readdirSync(path.join(root, directory))) {
    if (name === ".git") continue;
    const file = directory === "" ? name : `${directory}/${name}`;
    const stat = lstatSync(path.join(root, file), { bigint: true });
    if (stat.isDirectory()) walk(root, file, found);
    else if (stat.isFile() || stat.isSymbolicLink()) {
      found.set(file, `${stat.size} ${stat.mtimeNs} ${Number(stat.mode & 0o7777n)}`);
    }
  }
  return found;
}

/** A fresh listing in the form of `walk`, folded entries left out. */
export function listed(changes: readonly FileChange[]): Map<string, string> {
  const present = changes.filter((change) => change.folded === undefined && change.kind !== "deleted");
  return new Map(present.map((change) => [change.path, `${change.size} ${change.mtimeNs} ${change.mode}`]));
}

/** "created a", "modified b content", …, sorted by path. */
export function told(changes: readonly FileChange[]): string[] {
  return changes
    .toSorted((one, other) => (one.path < other.path ? -1 : 1))
    .map(({ kind, path: file, changed }) => [kind, file, ...(changed ?? [])].join(" "));
}
