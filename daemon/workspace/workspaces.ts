/**
 * The workspaces that are open, by id and by root. Owns opening, finding and closing; what one is stands in opened.ts.
 * INVARIANT: one OpenWorkspace a real path.
 */
import { realpath, stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import type { WatchRules } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { WorkspaceRow } from "../store/index.ts";
import { type OpenWorkspace, openWorkspace, type Parts, workspaceClosed } from "./opened.ts";

export interface Workspaces {
  /** Opens the directory at `root`, or answers the one that is open; `rules` replaces its own rules of watching. */
  open(root: string, rules?: WatchRules): Promise<OpenWorkspace>;
  /** By id or absolute root. @throws {IopipeError} WorkspaceNotFound */
  find(ref: string): OpenWorkspace;
  list(): OpenWorkspace[];
  close(ref: string): Promise<void>;
  /** Stops all of them; they stay open for the next start. */
  stop(): Promise<void>;
}

/** Opens again what was open when the daemon stopped. */
export function createWorkspaces(parts: Parts): Workspaces {
  const { store } = parts;
  const opened = new Map<string, OpenWorkspace>();
  /** INVARIANT: a root is not opened again before its last close has ended, so that no open journal is recovered twice. */
  const closing = new Map<string, Promise<void>>();
  const take = (row: WorkspaceRow): OpenWorkspace => {
    const workspace = opened.get(row.id) ?? openWorkspace(row, parts);
    opened.set(row.id, workspace);
    return workspace;
  };
  for (const row of store.workspaces.opened()) take(row);

  const find = (ref: string): OpenWorkspace => {
    const workspace = opened.get(ref) ?? [...opened.values()].find(({ root }) => root === ref);
    if (!workspace)
      throw new IopipeError("WorkspaceNotFound", `No workspace ${ref} is open.`, { workspace: ref });
    return workspace;
  };
  return {
    find,
    list: () => [...opened.values()],
    open: async (root, rules) => {
      const real = await realDirectory(root);
      refuseOwnDirectories(real, parts.guarded);
      refuseGitDirectory(real);
      const row = store.workspaces.open(real, rules && JSON.stringify(rules));
      await closing.get(row.id);
      const before = opened.get(row.id);
      if (rules) before?.watch.setRules(rules);
      return before ?? take(row);
    },
    close: async (ref) => {
      const workspace = find(ref);
      opened.delete(workspace.id);
      store.workspaces.close(workspace.id);
      const closed = workspace
        .close(workspaceClosed(workspace.root))
        .finally(() => closing.delete(workspace.id));
      closing.set(workspace.id, closed);
      await closed;
    },
    stop: async () => {
      await Promise.all([...opened.values()].map((workspace) => workspace.close()));
    },
  };
}

async function realDirectory(root: string): Promise<string> {
  if (!isAbsolute(root) || root.includes("\0")) {
    throw new IopipeError("InvalidParams", "workspace/open: `root` is not an absolute path.", {
      param: "root",
      hint: "Give the absolute path of a directory.",
    });
  }
  const real = await realpath(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") throw rootGone(root, "There is no directory");
    throw error;
  });
  if (!(await stat(real)).isDirectory()) throw rootGone(root, "There is a file, not a directory,");
  return real;
}

function rootGone(root: string, fact: string): IopipeError {
  return new IopipeError("RootGone", `${fact} at ${root}.`, {
    hint: "Give the path of an existing directory.",
  });
}

function refuseOwnDirectories(root: string, guarded: readonly string[]): void {
  const own = guarded.find((directory) => root === directory || root.startsWith(`${directory}/`));
  if (own === undefined) return;
  throw new IopipeError("PathProtected", `${root} lies in iopipe's own directory ${own}.`, { path: root });
}

/** As a root git's directory would be as unprotected as any other. */
function refuseGitDirectory(root: string): void {
  if (!root.split("/").includes(".git")) return;
  throw new IopipeError("PathProtected", `${root} lies in git's own directory.`, {
    path: root,
    hint: "Open the directory that git's is in.",
  });
}
