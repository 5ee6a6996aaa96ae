/**
 * A real git repository of a test's, and snapshots of directories: bytes, modes, links and times.
 * Owns no directory; whoever named one removes it.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

export interface Repository {
  /** Absolute, real path. */
  readonly root: string;
  /** Absolute path of what lies at a path of the repository. */
  at(file: string): string;
  read(file: string): string;
  write(file: string, content: string | Buffer, mode?: number): void;
  remove(file: string): void;
  git(args: string[], input?: string): string;
  /** Everything but `.git`: `mode content` of files, `-> target` of links, `mode` of directories (with a slash). */
  tree(): Snapshot;
}

export type Snapshot = Readonly<Record<string, string>>;

/** Fixed, so that nothing of the user's git configuration is needed or used; git itself writes only when asked to. */
const GIT_ENVIRONMENT = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_AUTHOR_NAME: "test",
  GIT_AUTHOR_EMAIL: "test@localhost",
  GIT_COMMITTER_NAME: "test",
  GIT_COMMITTER_EMAIL: "test@localhost",
};

/** Makes a repository at `root` whose one commit has `files`. */
export function makeRepository(root: string, files: Readonly<Record<string, string>>): Repository {
  const repository = repositoryAt(root);
  mkdirSync(root, { recursive: true });
  for (const [file, content] of Object.entries(files)) repository.write(file, content);
  repository.git(["init", "--quiet"]);
  repository.git(["add", "--all"]);
  repository.git(["commit", "--quiet", "--allow-empty", "--message", "The files of the test"]);
  return repository;
}

function repositoryAt(root: string): Repository {
  const at = (file: string): string => path.join(root, file);
  return {
    root,
    at,
    read: (file) => readFileSync(at(file), "utf8"),
    write: (file, content, mode) => {
      mkdirSync(path.dirname(at(file)), { recursive: true });
      writeFileSync(at(file), content);
      if (mode !== undefined) chmodSync(at(file), mode);
    },
    remove: (file) => rmSync(at(file), { recursive: true }),
    git: (args, input = "") =>
      execFileSync("git", args, {
        cwd: root,
        encoding: "utf8",
        env: { ...process.env, ...GIT_ENVIRONMENT },
        input,
        stdio: ["pipe", "pipe", "pipe"],
      }),
    tree: () => snapshot(root, { without: [".git"] }),
  };
}

export interface SnapshotOptions {
  /** Names of the directory's own entries to leave out. */
  readonly without?: readonly string[];
  /** Modification times (of directories too) and inode numbers as well: nothing was touched. */
  readonly times?: boolean;
}

/** Everything below `directory`, by path. */
export function snapshot(directory: string, { without = [], times = false }: SnapshotOptions = {}): Snapshot {
  const found: Record<string, string> = {};
  const visit = (below: string): void => {
    for (const name of readdirSync(path.join(directory, below)).sort()) {
      if (below === "" && without.includes(name)) continue;
      const file = path.join(below, name);
      const full = path.join(directory, file);
      const stat = lstatSync(full, { bigint: true });
      const touched = times ? `${stat.ino} ${stat.mtimeNs} ` : "";
      const mode = (Number(stat.mode) & 0o7777).toString(8);
      if (stat.isDirectory()) {
        found[`${file}/`] = `${touched}${mode}`;
        visit(file);
      } else if (stat.isSymbolicLink()) found[file] = `${touched}-> ${readlinkSync(full)}`;
      else if (stat.isFile()) found[file] = `${touched}${mode} ${readFileSync(full).toString("latin1")}`;
      else found[file] = `${touched}special`;
    }
  };
  visit("");
  return found;
}
