/**
 * Reading an overlay's upper directory: what it makes of the tree below.
 * A whiteout (a character device 0:0) removes what is below it, an opaque directory all that is below it, any other
 * directory is merged, everything else stands in the place of what is below.
 * Both trees are walked side by side by descriptors, for the command may swap a directory for a link meanwhile; at most
 * one pair of them is open for each level. The loop turns while thousands of entries are gone through.
 * RACE: the command may be writing. Worst case: a reading has some of its changes and not others; the next has them all.
 * Source: Documentation/filesystems/overlayfs.rst, "Whiteouts and opaque directories".
 */
import type { BigIntStats } from "node:fs";
import {
  type Dir,
  isErrno,
  isGitDirectory,
  joinPath,
  modeOf,
  type Port,
  type Stat,
  type Tree,
  typeOf,
} from "../disk/index.ts";
import { aboutDirectories } from "./directories.ts";
import { ofGit } from "./git-layers.ts";
import { namesIn, openInside, unlock } from "./names.ts";
import { CLOSED, isText, NO_FILE, NOT_UTF8, objectionTo } from "./objections.ts";
import { absent, type Reading, type Standing, stampOf, type Unstaged } from "./standing.ts";

/** One directory of the layer, with what is below it: undefined where that is nothing. */
interface Level {
  readonly path: string;
  readonly over: Dir;
  readonly below: Dir | undefined;
  /** Whether what is below is hidden, all the way down: directories in an opaque one do not say so again. */
  readonly isHidden: boolean;
}

export interface UpperOptions {
  /** Where the overlay keeps its own attributes: `trusted.` for root, `user.` for anybody else. */
  readonly namespace: "trusted" | "user";
  /** Whether the command has ended: what it closed to its owner is then opened, to be read. */
  readonly isOver: boolean;
  /** To be awaited between entries, so that the loop turns. */
  readonly pace: () => Promise<void>;
}

/** What `upper` makes of `tree`. @throws errno errors where something cannot be read; nothing was changed */
export async function readUpper(upper: Tree, tree: Tree, options: UpperOptions): Promise<Reading> {
  const { port } = upper;
  const over = upper.openRoot();
  try {
    const below = tree.openRoot();
    try {
      const walk = new Walk(tree, port.mountOf(below), options);
      const [own, found] = [port.lstat(over, "."), port.lstat(below, ".")];
      // Made for this user where it is another's.
      if (own && found && own.uid === found.uid && own.gid === found.gid)
        walk.directoryItself("", own, found);
      await walk.directory({ path: "", over, below, isHidden: false });
      return walk;
    } finally {
      port.closeDirectory(below);
    }
  } finally {
    port.closeDirectory(over);
  }
}

class Walk implements Reading {
  readonly standing: Standing[] = [];
  readonly unstaged: Unstaged[] = [];
  readonly #tree: Tree;
  readonly #port: Port;
  /** The tree's. What is mounted below it is not below the layer: the command sees the directory under the mount. */
  readonly #mount: string;
  readonly #options: UpperOptions;
  readonly #aboutDirectory = aboutDirectories();

  constructor(tree: Tree, mount: string, options: UpperOptions) {
    this.#tree = tree;
    this.#mount = mount;
    this.#port = tree.port;
    this.#options = options;
  }

  async directory(level: Level): Promise<void> {
    const { path: directory, over } = level;
    for (const bytes of await namesIn(over)) {
      await this.#options.pace();
      const name = bytes.toString();
      const path = joinPath(directory, name);
      if (!isText(bytes)) this.unstaged.push({ path, reason: NOT_UTF8 });
      else if (!(await this.#isGits(level, name)) && this.#isStageable(path)) await this.#entry(level, name);
    }
  }

  /** Tells what of it no patch can say. */
  directoryItself(path: string, stat: Stat, found: Stat | undefined): void {
    const reason = this.#aboutDirectory(path, stat, found);
    if (reason !== undefined) this.unstaged.push({ path: path || ".", reason });
  }

  /** Whether it is git's directory; tells what the command has changed there. */
  async #isGits({ path: directory, over }: Level, name: string): Promise<boolean> {
    if (!isGitDirectory(name)) return false;
    const inner = openInside(this.#port, over, name);
    if (!inner || inner === "closed") return false;
    try {
      const names = (await namesIn(inner)).map(String);
      const path = joinPath(directory, name);
      // A lock that came and went leaves its directory behind here, and nothing in it.
      if (names.length > 0) this.unstaged.push({ path, reason: ofGit(path, names) });
      return true;
    } finally {
      this.#port.closeDirectory(inner);
    }
  }

  /** Whether a patch may have this path; tells why not. */
  #isStageable(path: string): boolean {
    const reason = objectionTo(this.#tree, path);
    if (reason !== undefined) this.unstaged.push({ path, reason });
    return reason === undefined;
  }

  async #entry(level: Level, name: string): Promise<void> {
    const { path: directory, over, below } = level;
    const path = joinPath(directory, name);
    const stat = this.#port.lstat(over, name);
    if (!stat) return;
    const found = below && this.#port.lstat(below, name);
    const type = typeOf(stat);
    if (type === "directory") return this.#merge(level, name, stat, found);
    if (isWhiteout(stat)) return this.#goes(below, directory, name, found);
    if (type === "other") {
      this.unstaged.push({ path, reason: NO_FILE });
      return;
    }
    if (type === "file" && this.#options.isOver) unlock(this.#port, over, name, stat);
    // What comes in a directory's place takes the files with it.
    const isFile = found !== undefined && typeOf(found) !== "directory";
    if (found && !isFile) await this.#goes(below, directory, name, found);
    this.standing.push({
      path,
      type,
      stamp: stampOf(stat),
      mode: modeOf(stat),
      size: type === "file" ? Number(stat.size) : 0,
      belowNs: isFile ? found.ctimeNs : undefined,
    });
  }

  async #merge(
    { path: directory, over, below, isHidden }: Level,
    name: string,
    stat: Stat,
    found: Stat | undefined,
  ): Promise<void> {
    const path = joinPath(directory, name);
    const merges = found !== undefined && typeOf(found) === "directory";
    this.directoryItself(path, stat, merges ? found : undefined);
    if (this.#options.isOver) unlock(this.#port, over, name, stat);
    const inner = this.#open(over, name, path);
    if (!inner) return;
    try {
      const hides = isHidden || (merges && this.#isOpaque(over, name));
      const under = merges ? this.#openBelow(below as Dir, name, path) : undefined;
      if (under === "mounted") return;
      try {
        if (found && !merges) await this.#goes(below, directory, name, found);
        if (hides && under) await this.#hidden(under, path, inner);
        // Files that a removal has named stand here again by their own entry, with the time of what is below.
        await this.directory({ path, over: inner, below: under, isHidden: hides });
      } finally {
        if (under) this.#port.closeDirectory(under);
      }
    } finally {
      this.#port.closeDirectory(inner);
    }
  }

  /** Everything of `under` that the opaque directory `inner` in its place does not have goes. */
  async #hidden(under: Dir, path: string, inner: Dir): Promise<void> {
    for (const bytes of await namesIn(under)) {
      const name = bytes.toString();
      if (this.#port.lstat(inner, name)) continue;
      await this.#goes(under, path, name, this.#port.lstat(under, name));
    }
  }

  /** What is below at `name` is not there any more: a file, or a directory with all its files. */
  async #goes(
    below: Dir | undefined,
    directory: string,
    name: string,
    found: Stat | undefined,
  ): Promise<void> {
    await this.#options.pace();
    const path = joinPath(directory, name);
    if (!found || !below || !this.#isStageable(path)) return;
    const type = typeOf(found);
    if (type === "file" || type === "symlink") {
      this.standing.push(absent(path, found.ctimeNs));
      return;
    }
    if (type === "other") {
      this.unstaged.push({ path, reason: NO_FILE });
      return;
    }
    const inner = this.#openBelow(below, name, path);
    if (!inner || inner === "mounted") return;
    try {
      for (const bytes of await namesIn(inner)) {
        const child = bytes.toString();
        await this.#goes(inner, path, child, this.#port.lstat(inner, child));
      }
    } finally {
      this.#port.closeDirectory(inner);
    }
  }

  /** Undefined, and told, where it may not be read. */
  #open(parent: Dir, name: string, path: string): Dir | undefined {
    const inner = openInside(this.#port, parent, name);
    if (inner !== "closed") return inner;
    this.unstaged.push({ path, reason: CLOSED });
    return undefined;
  }

  /** As `#open`, of the tree; "mounted", and told, where the command saw something else. */
  #openBelow(parent: Dir, name: string, path: string): Dir | "mounted" | undefined {
    const inner = this.#open(parent, name, path);
    if (!inner || this.#port.mountOf(inner) === this.#mount) return inner;
    this.#port.closeDirectory(inner);
    this.unstaged.push({ path, reason: "something is mounted there, which the command did not see" });
    return "mounted";
  }

  #isOpaque(dir: Dir, name: string): boolean {
    try {
      return this.#port.readExtended(dir, name).has(`${this.#options.namespace}.overlay.opaque`);
    } catch (error) {
      if (isErrno(error, "ENOENT", "ENOTSUP", "EACCES", "EPERM")) return false;
      throw error;
    }
  }
}

function isWhiteout(stat: Stat): boolean {
  const { rdev, mode } = stat as BigIntStats;
  return rdev === 0n && (mode & 0o170000n) === 0o020000n;
}
