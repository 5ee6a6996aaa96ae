/**
 * A scene for tests of staging: a real store, a real tree in a temporary directory, and one session.
 */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { openTree, type Tree } from "../daemon/disk/index.ts";
import { createStaging, openSession, type Staging } from "../daemon/staging/index.ts";
import {
  type EventRow,
  openStore,
  type PatchRow,
  type SessionRow,
  type Store,
} from "../daemon/store/index.ts";
import type { Change, Params } from "../protocol/methods/index.ts";

type Decided = Params<"session/decide">["decisions"][number];

export interface Scene {
  readonly root: string;
  readonly store: Store;
  readonly tree: Tree;
  readonly staging: Staging;
  readonly session: SessionRow;
  /** Stages into the session; gives the new patches. */
  stage(...changes: Change[]): Promise<PatchRow[]>;
  /** A reviewer's decisions; gives the patches decided on. */
  decide(...decisions: Decided[]): Promise<PatchRow[]>;
  /** A session's content of a path, decoded as UTF-8. */
  read(path: string): Promise<string>;
  pending(): PatchRow[];
  events(): EventRow[];
  write(path: string, content: string | Buffer, mode?: number): void;
  link(path: string, target: string): void;
}

/** Everything is removed when the test is over. */
export function makeScene(
  files: Record<string, string | Buffer> = {},
  open?: Parameters<typeof openStore>[1],
): Scene {
  const base = realpathSync(mkdtempSync(path.join(os.tmpdir(), "iopipe-staging-")));
  const [root, state] = [path.join(base, "root"), path.join(base, "state")];
  mkdirSync(root);
  mkdirSync(state);
  const store = openStore(state, open);
  const staging = createStaging({ store });
  const tree = openTree(root, [state]);
  const workspace = store.workspaces.open(root);
  const session = openSession(store, { workspace: workspace.id, title: "test", role: "reviewer" });
  onTestFinished(async () => {
    await staging.close();
    store.close();
    rmSync(base, { recursive: true, force: true });
  });
  const write: Scene["write"] = (name, content, mode = 0o644) => {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    chmodSync(file, mode);
  };
  for (const [name, content] of Object.entries(files)) write(name, content);
  return {
    root,
    store,
    tree,
    staging,
    session,
    write,
    stage: async (...changes) =>
      (await staging.stage(session, tree, { changes, ownsBlob: () => true })).patches,
    decide: (...decisions) => staging.decide(session, tree, { decisions, ownsBlob: () => true }),
    read: async (name) =>
      (await staging.readFile(session, tree, { session: session.id, path: name })).content,
    pending: () => store.patches.ofSession(session.id, "Pending"),
    events: () => store.events.since(0, { session: session.id }, 1000),
    link: (name, target) => {
      mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
      symlinkSync(target, path.join(root, name));
    },
  };
}

/** Every path below `root` with its type, mode and content, for comparing whole trees. */
export function treeOf(root: string, below = ""): Record<string, string> {
  const found: Record<string, string> = {};
  if (!existsSync(root)) return found;
  for (const name of readdirSync(path.join(root, below)).sort()) {
    const relative = below === "" ? name : `${below}/${name}`;
    if (relative === ".git") continue;
    const stat = lstatSync(path.join(root, relative));
    if (stat.isDirectory()) Object.assign(found, treeOf(root, relative));
    else if (stat.isSymbolicLink()) found[relative] = `-> ${readlinkSync(path.join(root, relative))}`;
    else
      found[relative] =
        `${(stat.mode & 0o100) !== 0} ${readFileSync(path.join(root, relative)).toString("latin1")}`;
  }
  return found;
}
