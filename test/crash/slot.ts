/**
 * Slots: places in which one point after another is tried, each with a root, a state directory and its templates.
 * Owns the templates, made by the real daemon at the very paths at which they are used, since the store knows its
 * roots by path: "pending" has the mixed patch staged, "applied" has it applied.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { connect } from "../../client/index.ts";
import { startDaemon } from "../../daemon/main.ts";
import { MIXED_CHANGES, MIXED_FILES } from "../acceptance/mixed.ts";
import { type Snapshot, snapshot } from "../acceptance/repository.ts";

export type Template = "pending" | "applied";

export interface Slot {
  readonly root: string;
  readonly state: string;
  /** Outside of both. */
  readonly scratch: string;
  /** The environment of a daemon on it. */
  readonly env: Readonly<Record<string, string>>;
  /** What the root is in either template. */
  readonly trees: Readonly<Record<Template, Snapshot>>;
  /** Puts a template back. */
  reset(template: Template): void;
}

/** `treeBase` and `stateBase`: directories that may be on different file systems. */
export async function makeSlot(scratch: string, treeBase: string, stateBase: string): Promise<Slot> {
  const [root, state] = [join(treeBase, "r"), join(stateBase, "s")];
  const env = { PATH: process.env.PATH ?? "", HOME: scratch, IOPIPE_STATE_DIR: state };
  for (const directory of [scratch, treeBase, stateBase]) mkdirSync(directory, { recursive: true });
  makeTree(root);
  const trees: Record<Template, Snapshot> = { pending: snapshot(root), applied: {} };
  const save = (template: Template): void => {
    mkdirSync(join(scratch, template));
    execFileSync("cp", ["-a", root, state, join(scratch, template)]);
  };
  const session = await propose(env, root);
  save("pending");
  await apply(env, session);
  trees.applied = snapshot(root);
  save("applied");
  return {
    ...{ root, state, scratch, env, trees },
    reset: (template) => {
      for (const directory of [root, state]) rmSync(directory, { recursive: true, force: true });
      execFileSync("cp", ["-a", join(scratch, template, "r"), treeBase]);
      execFileSync("cp", ["-a", join(scratch, template, "s"), stateBase]);
    },
  };
}

function makeTree(root: string): void {
  if (existsSync(root)) throw new Error(`${root} exists.`);
  for (const [name, content] of Object.entries(MIXED_FILES)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  // Modes that git does not know, of a file that changes, one that is renamed, and a directory that goes.
  for (const [name, mode] of [
    ["b/two.txt", 0o600],
    ["b/old.txt", 0o640],
    ["gone", 0o750],
  ] as const)
    chmodSync(join(root, name), mode);
}

async function withDaemon<T>(
  env: Slot["env"],
  work: (client: Awaited<ReturnType<typeof connect>>) => Promise<T>,
): Promise<T> {
  const daemon = await startDaemon({ env });
  try {
    const client = await connect({ env, role: "reviewer", autostart: false });
    return await work(client).finally(() => client.close());
  } finally {
    await daemon.stop();
  }
}

const propose = (env: Slot["env"], root: string): Promise<string> =>
  withDaemon(env, async (client) => {
    const { workspace } = await client.call("workspace/open", { root });
    const session = await client.openSession({ workspace: workspace.id, title: "crashing" });
    await session.stage(MIXED_CHANGES);
    return session.id;
  });

const apply = (env: Slot["env"], session: string): Promise<void> =>
  withDaemon(env, async (client) => {
    const { digest = "" } = await client.session(session).diff();
    await client.session(session).apply(digest);
  });
