/**
 * Ignoring as git does: which paths of a root are ignored, and below which directory they are folded.
 * Owns the rules in force (global, info/exclude, every .gitignore from the repository's top down, and the workspace's
 * own, which come before all of them) and the exceptions:
 * what is tracked, has a pending patch or was opened by an `include` is never folded. Patterns are gitignore.ts, files
 * of rules ignore-files.ts, the tracked set comes from git.ts, and what to do about a change here is reconcile.ts.
 * Invariant: rules of a directory are loaded before its children are judged (scan.ts calls `load`).
 * Outside a repository nothing is ignored but by the workspace's own rules. A repository within the root, such as a
 * submodule, is ruled by its own files and the user's alone; what it tracks although it ignores it is not known here.
 */

import path from "node:path";
import type { Priority, WatchRules } from "../../protocol/methods/values.ts";
import { parentOf } from "../disk/path.ts";
import { findRepository, type Repository, trackedButIgnored } from "./git.ts";
import { parseIgnoreFile, type Rule, verdictOf } from "./gitignore.ts";
import {
  decidingFiles,
  findAgain,
  readTreeRules,
  rulesOutside,
  type Source,
  stampOf,
} from "./ignore-files.ts";
import { laneOf, priorityOf } from "./priority.ts";

export interface Ignore {
  /** git's own directory. */
  readonly gitDir: string | undefined;
  /** Files outside the tree, or in `.git`, that decide what is ignored or tracked; absolute. */
  readonly files: readonly string[];
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
  /** Makes `paths` HIGH, and no others of `among` (default: of all); gives those that were not before. */
  setHigh(paths: Iterable<string>, among?: Iterable<string>): Iterable<string>;
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

export function openIgnore(root: string): Ignore {
  const rules = new Map<string, readonly Rule[]>();
  /** Directories below the root with a `.git`: repositories of their own, submodules among them. */
  const tops = new Set<string>();
  let outside: readonly Source[] = [];
  let repository: Repository | undefined;
  let tracked = new Set<string>();
  let stamp: string | undefined;
  let configStamp: string | undefined;
  let first = true;
  let own: readonly Rule[] = [];
  let ownLines: readonly string[] = [];
  let lane = laneOf();
  const high = new Set<string>();
  const opened = new Set<string>();

  const matches = (file: string, isDirectory: boolean): boolean => {
    const said = verdictOf(own, file, isDirectory);
    if (said) return said === "ignored";
    const top = topOf(file);
    if (top === undefined) return false;
    for (let directory = parentOf(file); ; directory = parentOf(directory)) {
      const here = rules.get(directory);
      const verdict = here && verdictOf(here, relativeTo(directory, file), isDirectory);
      if (verdict) return verdict === "ignored";
      if (directory === top || directory === "") break;
    }
    const absolute = path.join(root, file);
    for (const source of outside) {
      if (!source.everywhere && top !== "") continue;
      const from = top === "" ? source.directory : path.join(root, top);
      const verdict = verdictOf(source.rules, path.relative(from, absolute), isDirectory);
      if (verdict) return verdict === "ignored";
    }
    return false;
  };

  /** The repository that a path belongs to: the nearest directory above it with a `.git`; "" for the root's own. */
  const topOf = (file: string): string | undefined => {
    for (let directory = parentOf(file); directory !== "" && tops.size > 0; directory = parentOf(directory))
      if (tops.has(directory)) return directory;
    return repository && "";
  };

  const isExempt = (file: string, prefixes: ReadonlySet<string> = opened): boolean =>
    tracked.has(file) || high.has(file) || isOpened(prefixes, file);

  return {
    get gitDir() {
      return repository?.gitDir;
    },
    get files() {
      return repository ? [...decidingFiles(root, repository), path.join(repository.gitDir, "HEAD")] : [];
    },
    async refresh() {
      const isSameConfig = !repository || (await stampOf(repository.configFiles)) === configStamp;
      const found = isSameConfig ? await findAgain(root, repository, first) : await findRepository(root);
      first = false;
      configStamp = found && (await stampOf(found.configFiles));
      const now = found && (await stampOf(decidingFiles(root, found)));
      if (found?.gitDir === repository?.gitDir && now === stamp) return false;
      const list = (found && (await trackedButIgnored(root, ownLines))) ?? [];
      const same =
        found?.gitDir === repository?.gitDir &&
        list.length === tracked.size &&
        list.every((one) => tracked.has(one));
      const before = JSON.stringify(outside);
      const isNewCase = found?.ignoresCase !== repository?.ignoresCase;
      [repository, stamp, tracked] = [found, now, new Set(list)];
      outside = found ? await rulesOutside(root, found) : [];
      return !same || isNewCase || JSON.stringify(outside) !== before;
    },
    async load(directory, names) {
      if (directory !== "" && names.includes(".git")) tops.add(directory);
      else tops.delete(directory);
      const before = rules.get(directory);
      const isThere = names.includes(".gitignore");
      const file = path.join(root, directory, ".gitignore");
      const now = isThere ? await readTreeRules(file, repository?.ignoresCase) : [];
      if (now.length > 0) rules.set(directory, now);
      else rules.delete(directory);
      const changed = JSON.stringify(before ?? []) !== JSON.stringify(now);
      // What is tracked against the patterns depends on the patterns.
      if (changed) stamp = undefined;
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
    setHigh(paths, among = [...high]) {
      const now = new Set(paths);
      const news = now.difference(high);
      for (const path of among) if (!now.has(path)) high.delete(path);
      for (const path of news) high.add(path);
      return news;
    },
    high,
    isHigh: (file) => high.has(file),
    priorityOf: (file, ignored = false) =>
      high.has(file) ? "HIGH" : (lane(file) ?? priorityOf(file, ignored)),
    setRules({ ignore = [], ...lanes }) {
      lane = laneOf(lanes);
      own = parseIgnoreFile(ignore.join("\n"));
      ownLines = ignore.filter((line) => parseIgnoreFile(line).length > 0);
      // What is tracked against the patterns depends on the patterns.
      stamp = undefined;
    },
    opened,
    openUp(prefix) {
      if (isOpened(opened, prefix) || opened.size >= MAX_OPENED) return false;
      opened.add(prefix);
      return true;
    },
  };
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
