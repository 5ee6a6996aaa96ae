/**
 * Ignoring as git does: which paths of a root are ignored, and below which directory they are folded.
 * Owns the rules in force (global, info/exclude, every .gitignore from the repository's top down, and the workspace's
 * own, which come before all of them) and the exceptions:
 * what is tracked, has a pending patch or was opened by an `include` is never folded. Patterns are gitignore.ts, the
 * tracked set comes from git.ts, and what to do about a change here is reconcile.ts.
 * Invariant: rules of a directory are loaded before its children are judged (scan.ts calls `load`).
 * Outside a repository nothing is ignored but by the workspace's own rules.
 */

import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { Priority, WatchRules } from "../../protocol/methods/values.ts";
import { parentOf } from "../disk/path.ts";
import { findRepository, type Repository, trackedButIgnored } from "./git.ts";
import { parseIgnoreFile, type Rule, verdictOf } from "./gitignore.ts";
import { laneOf, priorityOf } from "./priority.ts";

export interface Ignore {
  /** git's own directory, whose index and HEAD are worth watching. */
  readonly gitDir: string | undefined;
  /** Asks git again; true when the repository or the tracked exceptions changed. Cheap while the index is the same. */
  refresh(): Promise<boolean>;
  /** Reads `directory`'s .gitignore (not among its `names`: no rules); true when that changed. */
  load(directory: string, names: readonly string[]): Promise<boolean>;
  /** Whether patterns ignore the path itself, whatever is tracked. */
  matches(path: string, isDirectory: boolean): boolean;
  /**
   * The topmost ignored directory that holds `path`, or is it; undefined when it is to be listed. `prefixes` stand for
   * what was opened up, by default for everybody.
   */
  foldOf(path: string, isDirectory: boolean, prefixes?: ReadonlySet<string>): string | undefined;
  /** Whether a path is listed although a directory above it may be ignored. */
  isExempt(path: string): boolean;
  /** Paths that are exempt one by one. */
  exempt(): Iterable<string>;
  /** Gives those that were not HIGH before. */
  setHigh(paths: Iterable<string>): Iterable<string>;
  /** HIGH because somebody works on them, whatever their names. */
  readonly high: ReadonlySet<string>;
  isHigh(path: string): boolean;
  /** The priority of a path: HIGH where somebody works on it, then as the workspace's globs say, then by its name. */
  priorityOf(path: string, ignored?: boolean): Priority;
  /** Replaces the workspace's own rules. */
  setRules(rules: WatchRules): void;
  readonly opened: ReadonlySet<string>;
  /** Lists everything at and below `prefix` from now on; true when that is news. */
  openUp(prefix: string): boolean;
}

/** Most ignored directories that clients may have opened up. */
const MAX_OPENED = 64;
const MAX_IGNORE_FILE_BYTES = 1024 * 1024;

export function openIgnore(root: string): Ignore {
  const rules = new Map<string, readonly Rule[]>();
  let above: { directory: string; rules: readonly Rule[] }[] = [];
  let repository: Repository | undefined;
  let tracked = new Set<string>();
  let indexStamp: string | undefined;
  let first = true;
  let own: readonly Rule[] = [];
  let ownLines: readonly string[] = [];
  let lane = laneOf();
  let high = new Set<string>();
  const opened = new Set<string>();

  const matches = (file: string, isDirectory: boolean): boolean => {
    const said = verdictOf(own, file, isDirectory);
    if (said) return said === "ignored";
    if (!repository) return false;
    for (let directory = parentOf(file); ; directory = parentOf(directory)) {
      const here = rules.get(directory);
      const verdict = here && verdictOf(here, relativeTo(directory, file), isDirectory);
      if (verdict) return verdict === "ignored";
      if (directory === "") break;
    }
    const absolute = path.join(root, file);
    for (const source of above) {
      const verdict = verdictOf(source.rules, path.relative(source.directory, absolute), isDirectory);
      if (verdict) return verdict === "ignored";
    }
    return false;
  };

  const isExempt = (file: string, prefixes: ReadonlySet<string> = opened): boolean =>
    tracked.has(file) || high.has(file) || isOpened(prefixes, file);

  return {
    get gitDir() {
      return repository?.gitDir;
    },
    async refresh() {
      const found = await findAgain(root, repository, first);
      first = false;
      const stamp = found && (await stampOf(found));
      if (found?.gitDir === repository?.gitDir && stamp === indexStamp) return false;
      const list = (found && (await trackedButIgnored(root, ownLines))) ?? [];
      const same =
        found?.gitDir === repository?.gitDir &&
        list.length === tracked.size &&
        list.every((one) => tracked.has(one));
      [repository, indexStamp, tracked] = [found, stamp, new Set(list)];
      const before = JSON.stringify(above);
      above = found ? await rulesAbove(root, found) : [];
      return !same || JSON.stringify(above) !== before;
    },
    async load(directory, names) {
      const before = rules.get(directory);
      const isThere = names.includes(".gitignore");
      const now = isThere ? await readRules(path.join(root, directory, ".gitignore")) : [];
      if (now.length > 0) rules.set(directory, now);
      else rules.delete(directory);
      const changed = JSON.stringify(before ?? []) !== JSON.stringify(now);
      // What is tracked against the patterns depends on the patterns.
      if (changed) indexStamp = undefined;
      return changed;
    },
    matches,
    foldOf(file, isDirectory, prefixes = opened) {
      if (isExempt(file, prefixes)) return undefined;
      for (let end = file.indexOf("/"); end >= 0; end = file.indexOf("/", end + 1)) {
        const directory = file.slice(0, end);
        if (!isOpened(prefixes, directory) && matches(directory, true)) return directory;
      }
      return isDirectory && matches(file, true) ? file : undefined;
    },
    isExempt: (file) => isExempt(file),
    exempt: () => new Set([...tracked, ...high, ...opened]),
    setHigh(paths) {
      const before = high;
      high = new Set(paths);
      return high.difference(before);
    },
    get high() {
      return high;
    },
    isHigh: (file) => high.has(file),
    priorityOf: (file, ignored = false) =>
      high.has(file) ? "HIGH" : (lane(file) ?? priorityOf(file, ignored)),
    setRules({ ignore = [], ...lanes }) {
      lane = laneOf(lanes);
      own = parseIgnoreFile(ignore.join("\n"));
      ownLines = ignore.filter((line) => parseIgnoreFile(line).length > 0);
      // What is tracked against the patterns depends on the patterns.
      indexStamp = undefined;
    },
    opened,
    openUp(prefix) {
      if (isOpened(opened, prefix) || opened.size >= MAX_OPENED) return false;
      opened.add(prefix);
      return true;
    },
  };
}

/** Starts git only where there is something to find: at first, and when a repository came or went. */
async function findAgain(
  root: string,
  known: Repository | undefined,
  first: boolean,
): Promise<Repository | undefined> {
  const sign = known?.gitDir ?? path.join(root, ".git");
  const isThere = (await stat(sign).catch(() => undefined)) !== undefined;
  if (!first && isThere === (known !== undefined)) return known;
  return findRepository(root);
}

/** Changes when the index or an exclude file does. */
async function stampOf(repository: Repository): Promise<string> {
  const files = [path.join(repository.gitDir, "index"), ...repository.excludeFiles];
  const stats = await Promise.all(files.map((file) => stat(file, { bigint: true }).catch(() => undefined)));
  return stats.map((one) => (one ? `${one.ino}:${one.size}:${one.mtimeNs}` : "-")).join();
}

/** The rules from outside the root, strongest first: .gitignore files above it, info/exclude, the global file. */
async function rulesAbove(root: string, { top, excludeFiles }: Repository) {
  const found: { directory: string; rules: readonly Rule[] }[] = [];
  for (let directory = root; directory !== top && directory.startsWith(top); ) {
    directory = path.dirname(directory);
    found.push({ directory, rules: await readRules(path.join(directory, ".gitignore")) });
  }
  for (const file of excludeFiles.toReversed()) found.push({ directory: top, rules: await readRules(file) });
  return found.filter((source) => source.rules.length > 0);
}

async function readRules(file: string): Promise<readonly Rule[]> {
  try {
    const { size } = await stat(file);
    return size > MAX_IGNORE_FILE_BYTES ? [] : parseIgnoreFile(await readFile(file, "utf8"));
  } catch {
    return []; // Absent, a directory, or unreadable: git goes on without it too.
  }
}

function isOpened(opened: ReadonlySet<string>, file: string): boolean {
  for (const prefix of opened) {
    if (file === prefix || file.startsWith(`${prefix}/`)) return true;
  }
  return false;
}

function relativeTo(directory: string, file: string): string {
  return directory === "" ? file : file.slice(directory.length + 1);
}
