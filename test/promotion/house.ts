/**
 * A house for promotion tests: a real store, a real root, and the words to describe changes in.
 * Owns its temporary directories, which go with `close`.
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Image, openTree, type Port } from "../../daemon/disk/index.ts";
import {
  type PromotionRequest,
  planUndo,
  promote,
  recover,
  type Transition,
} from "../../daemon/promotion/index.ts";
import { type OperationRow, openStore, type Store } from "../../daemon/store/index.ts";

/** Text of a file, `-> target` of a symlink, or text with a mode. */
export type Content = string | { text: string; mode: number };

export interface Root {
  readonly path: string;
  readonly workspace: string;
  write(files: Record<string, Content>): void;
  read(path: string): string;
  at(path: string): string;
  /** Every entry with its mode and content; directories end in a slash. */
  snapshot(): Record<string, string>;
}

export interface House {
  readonly store: Store;
  root(files?: Record<string, Content>): Root;
  /** The change of one path from what is on disk to `content` (undefined: gone). */
  change(
    root: Root,
    path: string,
    content: Content | undefined,
    extra?: Partial<Transition>,
  ): Promise<Transition>;
  rename(root: Root, from: string, to: string): Promise<Transition[]>;
  apply(root: Root, transitions: Transition[], extra?: Partial<PromotionRequest>): Promise<OperationRow>;
  undo(
    root: Root,
    operation: OperationRow,
    paths?: string[],
    extra?: Partial<PromotionRequest>,
  ): Promise<OperationRow>;
  recover(root: Root, port?: Port): Promise<OperationRow[]>;
  close(): void;
}

/** Memory, where there is some: for thousands of promotions whose fsyncs prove nothing. */
export const QUICK = fs.existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export function openHouse(base = tmpdir()): House {
  const home = fs.mkdtempSync(join(base, "iopipe-promotion-"));
  fs.mkdirSync(join(home, "state"));
  const store = openStore(join(home, "state"));
  let roots = 0;
  let patches = 0;

  const apply: House["apply"] = (root, transitions, extra = {}) =>
    promote(
      {
        workspace: root.workspace,
        tree: openTree(root.path),
        kind: "apply",
        transitions,
        ...extra,
      },
      store,
    );
  return {
    store,
    root: (files = {}) => {
      const path = join(home, `root${roots++}`);
      fs.mkdirSync(path);
      const workspace = store.workspaces.open(path).id;
      const root = rootAt(path, workspace);
      root.write(files);
      return root;
    },
    change: async (root, path, content, extra = {}) => {
      const tree = openTree(root.path);
      const before = extra.before ?? (await tree.image(path).catch(() => ({ exists: false })));
      const after = await imageOf(store, content);
      return { path, before, after, patch: `p${patches++}`, ...extra };
    },
    rename: async (root, from, to) => {
      const before = await openTree(root.path).image(from);
      const patch = `p${patches++}`;
      if (before.hash) await store.blobs.put(fs.readFileSync(root.at(from)));
      return [
        { path: from, before, after: { exists: false }, patch },
        { path: to, before: { exists: false }, after: { ...before, mode: undefined }, patch },
      ];
    },
    apply,
    undo: async (root, operation, paths, extra = {}) => {
      const row = store.operations.require(operation.id);
      const plan = await planUndo(row, openTree(root.path), paths, store.operations.family(row.id));
      if (plan.modified.length > 0) throw Object.assign(new Error("ModifiedSince"), { plan });
      return apply(root, plan.transitions, {
        kind: "undo",
        undoes: operation.id,
        makeDirectories: plan.makeDirectories,
        removeDirectories: plan.removeDirectories,
        ...extra,
      });
    },
    recover: (root, port) =>
      recover({ workspace: root.workspace, tree: openTree(root.path, [], port), store }),
    close: () => {
      store.close();
      fs.rmSync(home, { recursive: true, force: true });
    },
  };
}

function rootAt(path: string, workspace: string): Root {
  const at = (name: string) => join(path, name);
  return {
    path,
    workspace,
    at,
    write: (files) => {
      for (const [name, content] of Object.entries(files)) write(at(name), content);
    },
    read: (name) => fs.readFileSync(at(name), "utf8"),
    snapshot: () => snapshot(path),
  };
}

function write(path: string, content: Content): void {
  fs.mkdirSync(dirname(path), { recursive: true });
  if (typeof content === "string" && content.startsWith("-> ")) fs.symlinkSync(content.slice(3), path);
  else if (typeof content === "string") fs.writeFileSync(path, content);
  else {
    fs.writeFileSync(path, content.text);
    fs.chmodSync(path, content.mode);
  }
}

/** The image that `content` asks for, its bytes in the store. A plain text leaves the mode open. */
async function imageOf(store: Store, content: Content | undefined): Promise<Image> {
  if (content === undefined) return { exists: false };
  if (typeof content === "string" && content.startsWith("-> "))
    return { exists: true, type: "symlink", target: content.slice(3) };
  const { text, mode } = typeof content === "string" ? { text: content, mode: undefined } : content;
  const hash = await store.blobs.put(Buffer.from(text));
  return { exists: true, type: "file", hash, size: text.length, ...(mode !== undefined && { mode }) };
}

function snapshot(path: string): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (directory: string): void => {
    for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
      const full = join(directory, entry.name);
      const name = full.slice(path.length + 1);
      const mode = (fs.lstatSync(full).mode & 0o7777).toString(8);
      if (entry.isSymbolicLink()) found[name] = `-> ${fs.readlinkSync(full)}`;
      else if (entry.isFile()) found[name] = `${mode} ${fs.readFileSync(full, "latin1")}`;
      else if (!entry.isDirectory()) found[name] = "special";
      else {
        found[`${name}/`] = mode;
        visit(full);
      }
    }
  };
  visit(path);
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function sha256(text: string | Buffer): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The mixed patch of eight files, and the tree that it is for. */
export const MIXED_TREE: Record<string, Content> = {
  "a/one.txt": "one\n",
  "a/run.sh": { text: "#!/bin/sh\n", mode: 0o644 },
  "b/two.txt": { text: "two\r\n", mode: 0o600 },
  "b/old.txt": { text: "old name\n", mode: 0o640 },
  "gone/last.txt": "last\n",
  "untouched.txt": "stays\n",
};

export async function mixedChange(house: House, root: Root): Promise<Transition[]> {
  return [
    await house.change(root, "a/one.txt", "ONE\n"),
    await house.change(root, "b/two.txt", "TWO\r\n"),
    await house.change(root, "new/deep/x.txt", "x"),
    await house.change(root, "new/deep/y.txt", { text: "", mode: 0o755 }),
    await house.change(root, "gone/last.txt", undefined),
    ...(await house.rename(root, "b/old.txt", "c.txt")),
    await house.change(root, "a/run.sh", { text: "#!/bin/sh\n", mode: 0o755 }),
    await house.change(root, "link", "-> a/one.txt"),
  ];
}
