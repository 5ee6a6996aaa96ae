/**
 * The process that is killed: one promotion, undo or recovery on a real store and a real tree, and nothing else.
 * Owns the handshake: it says "ready" when all that is left is the action (so that a tracer's counts begin there), waits
 * for a byte, acts, and writes its answer. Started by victim.ts as `node driver.js ACTION STATE ROOT`.
 * CRASH_WITHOUT=files|directories leaves out their fsyncs: the negative controls of a power cut.
 */
import { readSync, writeSync } from "node:fs";
import { stat } from "node:fs/promises";
import { openTree, type Port, type Tree } from "../../daemon/disk/index.ts";
import { portOf } from "../../daemon/disk/platform.ts";
import { planUndo, promote, recover } from "../../daemon/promotion/index.ts";
import { createStaging } from "../../daemon/staging/index.ts";
import { openStore, type Phase, type Store } from "../../daemon/store/index.ts";

export type Action = "apply" | "undo" | "recover";

export interface Answer {
  /** Of the operation; of a recovery the last one's. */
  readonly phase?: Phase | undefined;
  /** The kind of error, when it was none of these. */
  readonly threw?: string;
  /** The error left the journal open, and says so. */
  readonly unfinished?: boolean;
}

type Act = () => Promise<Phase | undefined>;

const workspaceOf = (store: Store): string => store.workspaces.opened()[0]?.id as string;

async function toApply(store: Store, tree: Tree): Promise<Act> {
  const workspace = workspaceOf(store);
  const [session] = store.sessions.list({ workspace }, { limit: 1 });
  if (!session) throw new Error("The template has no session.");
  const { transitions } = await createStaging({ store }).examine(session, tree);
  return async () =>
    (await promote({ workspace, tree, kind: "apply", session: session.id, transitions }, store)).phase;
}

async function toUndo(store: Store, tree: Tree): Promise<Act> {
  const workspace = workspaceOf(store);
  const [operation] = store.operations.list({ workspace }, { limit: 1 });
  if (!operation) throw new Error("The template has no operation.");
  const plan = await planUndo(operation, tree);
  const request = {
    workspace,
    tree,
    kind: "undo",
    session: operation.session,
    undoes: operation.id,
  } as const;
  return async () => (await promote({ ...request, ...plan }, store)).phase;
}

/** Opening the store is part of it: that writes too. */
async function toRecover(state: string, tree: Tree): Promise<Act> {
  return async () => {
    const store = openStore(state);
    return (await recover({ workspace: workspaceOf(store), tree, store })).at(-1)?.phase;
  };
}

const nothing = async (): Promise<void> => undefined;

function port(): Port {
  const real = portOf(process.platform);
  if (process.env.CRASH_WITHOUT === "files") return { ...real, sync: nothing };
  return process.env.CRASH_WITHOUT === "directories" ? withoutDirectories(real) : real;
}

/** A file's fsync makes every rename before it durable too, on ext4 and xfs: that of a mode, which comes last, goes as well. */
function withoutDirectories(real: Port): Port {
  let isPublishing = false;
  return {
    ...real,
    exchange: (...names) => {
      isPublishing = true;
      return real.exchange(...names);
    },
    sync: (file) => (isPublishing ? undefined : real.sync(file)),
    syncDirectory: nothing,
  };
}

async function answerOf(act: Act): Promise<Answer> {
  try {
    return { phase: await act() };
  } catch (error) {
    const { kind, code, data } = error as { kind?: string; code?: string; data?: { unfinished?: boolean } };
    return { threw: kind ?? code ?? String(error), unfinished: data?.unfinished === true };
  }
}

const [action, state, root] = process.argv.slice(2) as [Action, string, string];
const tree = openTree(root, [state], port());
const act = await (action === "recover"
  ? toRecover(state, tree)
  : (action === "apply" ? toApply : toUndo)(openStore(state), tree));
// The pool's one thread is there before anybody attaches to it.
await stat("/");
writeSync(1, "ready\n");
readSync(0, Buffer.alloc(1));
writeSync(1, JSON.stringify(await answerOf(act)));
// Not closed: that would check the store's log into the database.
process.kill(process.pid, "SIGKILL");
