/**
 * One life of a real daemon under a random history, held against the README's promises 1 to 5 after every event.
 * Owns its directories and daemons. What can happen is events.ts.
 *
 * Of an operation that is committed each file is as it was to be, of one that is not as it was before; an edit that is no
 * longer on disk was somebody's to replace: the operation saw it, and its bytes can still be read. Only an edit made
 * while the daemon was dead may leave an operation that needs attention.
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type ChangeInput, type Connection, connect, type Operation } from "../../client/index.ts";
import { IopipeError, isKind } from "../../protocol/wire/errors.ts";
import { snapshot } from "../acceptance/repository.ts";
import { type DaemonProcess, spawnDaemon } from "../fixture/daemon.ts";
import type { Result } from "./case.ts";
import type { Death, Edit, Event, Staged } from "./events.ts";

const FILES = { a: "a\n", b: "b\r\n", "c/one": "one", "d/four": "4" };

/** What has happened in all lives: a history in which nothing happens holds every promise. */
export interface Tally {
  staged: number;
  committed: number;
  rolledBack: number;
  needsAttention: number;
  refused: number;
  deaths: number;
  /** Edits that the editor made itself. */
  edits: number;
}

export const newTally = (): Tally => ({
  ...{ staged: 0, committed: 0, rolledBack: 0, needsAttention: 0, refused: 0, deaths: 0, edits: 0 },
});

interface Life {
  readonly tally: Tally;
  readonly root: string;
  readonly env: Record<string, string>;
  daemon: DaemonProcess;
  client: Connection;
  workspace: string;
  readonly sessions: string[];
  readonly violations: string[];
  /** What the editor has written last, by path, and not removed. */
  readonly edits: Map<string, Buffer>;
  debris: number;
  /** Makes all bytes different. */
  count: number;
}

type Image = Operation["files"][number]["before"];

/** Lives through `history` in a directory that exists, and says what was broken. `more`: of the daemon's environment. */
export async function live(
  directory: string,
  history: readonly Event[],
  tally: Tally,
  more: Record<string, string> = {},
): Promise<Result> {
  const life = await begin(directory, tally, more);
  try {
    for (const event of history) await HAPPENS[event.do](life, event as never);
  } catch (error) {
    life.violations.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await kill(life);
    fs.rmSync(directory, { recursive: true, force: true });
  }
  const { violations, debris } = life;
  return { at: JSON.stringify(history), violations, debris, sweptLate: false, took: true };
}

async function begin(directory: string, tally: Tally, more: Record<string, string>): Promise<Life> {
  const root = join(directory, "r");
  for (const [name, content] of Object.entries(FILES)) write(join(root, name), content);
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: directory,
    IOPIPE_STATE_DIR: join(directory, "s"),
    ...more,
  };
  const started = await start(env, root);
  return {
    tally,
    root,
    env,
    ...started,
    sessions: [],
    violations: [],
    edits: new Map(),
    debris: 0,
    count: 0,
  };
}

async function start(env: Record<string, string>, root: string) {
  const daemon = await spawnDaemon(env);
  const client = await connect({ env, role: "reviewer", autostart: false });
  const { workspace } = await client.call("workspace/open", { root });
  return { daemon, client, workspace: workspace.id };
}

async function kill({ daemon, client }: Life): Promise<void> {
  daemon.child.kill("SIGKILL");
  await daemon.exited;
  client.close();
}

async function restart(life: Life): Promise<void> {
  await kill(life);
  Object.assign(life, await start(life.env, life.root));
}

const HAPPENS = { stage, apply, undo, edit: editNow, restart: restarted };

async function restarted(life: Life): Promise<void> {
  const before = tree(life);
  await restart(life);
  await settled(life);
  holdTree(life, before, "a restart with nothing under way");
}

/** Promise 1. */
async function stage(life: Life, { changes }: Extract<Event, { do: "stage" }>): Promise<void> {
  const before = snapshot(life.root, { times: true });
  const session = await life.client.openSession({ workspace: life.workspace });
  for (const one of changes)
    await session.stage([changeOf(life, one)]).catch((error) => expectRefusal(life, error));
  life.sessions.push(session.id);
  life.tally.staged++;
  const after = snapshot(life.root, { times: true });
  if (JSON.stringify(after) !== JSON.stringify(before)) life.violations.push("staging changed the tree");
}

function changeOf(life: Life, { what, path, to, bytes, mode }: Staged): ChangeInput {
  if (what === "delete") return { kind: "delete", path };
  if (what === "chmod") return { kind: "chmod", path, mode };
  if (what === "symlink") return { kind: "symlink", path, target: `nowhere-${life.count++}` };
  if (what === "rename") return { kind: "rename", path, to };
  return { kind: "write", path, content: fresh(life, bytes) };
}

async function apply(life: Life, { which, death }: Extract<Event, { do: "apply" }>): Promise<void> {
  const session = life.sessions.at(-1 - (which % Math.max(1, life.sessions.length)));
  if (session === undefined) return;
  const { digest = "" } = await life.client.call("session/diff", { session });
  await promoted(life, death, () => life.client.call("session/apply", { session, expectedDigest: digest }));
}

async function undo(life: Life, { which, skip, death }: Extract<Event, { do: "undo" }>): Promise<void> {
  const { operations } = await life.client.call("operation/list", { workspace: life.workspace });
  const one = operations[which % Math.max(1, operations.length)];
  if (!one) return;
  const params = { operation: one.id, ...(skip && { onModified: "skip" as const }) };
  await promoted(life, death, () => life.client.call("operation/undo", params));
}

/** Promises 2, 3 and 5: asks for a promotion, perhaps kills the daemon meanwhile, and judges what is there then. */
async function promoted(
  life: Life,
  death: Death | undefined,
  ask: () => Promise<{ operation?: Operation | undefined }>,
): Promise<void> {
  const before = tree(life);
  const earlier = await newestOperation(life);
  const asked = ask().then(
    ({ operation }) => ({ operation, answered: true }),
    (error: unknown) => ({ error, operation: undefined, answered: true }),
  );
  let edited: string | undefined;
  const lost = death && delay(death.afterMs, { operation: undefined, answered: false });
  const answer = await (lost ? Promise.race([asked, lost]) : asked);
  if (death) {
    life.tally.deaths++;
    await kill(life);
    edited = death.meanwhile && editFile(life, death.meanwhile);
    Object.assign(life, await start(life.env, life.root));
  } else if ("error" in answer) expectRefusal(life, answer.error);
  await settled(life);
  const newest = await newestOperation(life);
  const operation = newest?.id === earlier?.id ? undefined : newest;
  if (answer.operation && answer.operation.id !== operation?.id && answer.operation.id !== earlier?.id)
    life.violations.push(`the answer's operation ${answer.operation.id} is not in the log`);
  if (operation && operation.state !== "running") life.tally[operation.state]++;
  judge(life, before, operation, edited);
  await judgeEdits(life);
}

function judge(life: Life, before: Tree, operation: Operation | undefined, edited: string | undefined): void {
  const paths = operation?.state === "committed" ? new Map(afterOf(operation)) : new Map<string, Image>();
  if (operation?.state === "running") life.violations.push(`${operation.id} is still said to be running`);
  if (operation?.state === "needsAttention") {
    if (edited === undefined) life.violations.push(`${operation.id} needs attention, and nobody edited`);
    for (const { path, outcome, after } of operation.files) if (outcome === "after") paths.set(path, after);
  }
  const now = tree(life);
  for (const path of new Set([...Object.keys(before), ...Object.keys(now), ...paths.keys()])) {
    if (edited !== undefined && path === edited) continue;
    const image = paths.get(path);
    const is = now[path];
    if (image === undefined && is !== before[path])
      life.violations.push(`${path} was ${before[path]}, is ${is}, by ${operation?.id} ${operation?.state}`);
    if (image !== undefined && is !== describe(image, is))
      life.violations.push(`${path} should be ${describe(image, is)}, is ${is}, by ${operation?.id}`);
  }
}

const afterOf = ({ files }: Operation): [string, Image][] => files.map(({ path, after }) => [path, after]);

/** Promise 3: what somebody wrote is there, or an operation replaced it knowingly, and its bytes can be read. */
async function judgeEdits(life: Life): Promise<void> {
  const now = tree(life);
  for (const [path, bytes] of life.edits) {
    const hash = sha256(bytes);
    if (now[path]?.endsWith(hash)) continue;
    const { operations } = await life.client.call("operation/list", { workspace: life.workspace, path });
    const known = operations
      .flatMap(({ files }) => files)
      .some((file) => file.path === path && (file.before.hash === hash || file.rescued === hash));
    const kept = await life.client.call("blob/read", { blob: hash }).catch(() => undefined);
    if (!known || kept?.data !== bytes.toString("base64"))
      life.violations.push(`an edit of ${path} is lost: ${JSON.stringify(bytes.toString("latin1"))}`);
  }
}

/** Promise 4 where it only touches; else somebody's own business. */
async function editNow(life: Life, { edit }: Extract<Event, { do: "edit" }>): Promise<void> {
  editFile(life, edit);
  await life.client.call("watch/sync", { workspace: life.workspace });
  // Settled behind the sync, in a turn of the workspace's.
  for (let tries = 0; tries < 60; tries++) {
    if ((await wronglyStale(life, edit.path)).length === 0) return;
    await delay(50);
  }
  life.violations.push(`${edit.path} has its base's bytes, and its patch is stale`);
}

async function wronglyStale(life: Life, path: string): Promise<string[]> {
  const { client, workspace } = life;
  const { patches } = await client.call("patch/list", { workspace, path, limit: 1000 });
  const is = tree(life)[path];
  const pending = patches.filter(({ state }) => state === "Pending").map(({ session }) => session);
  return patches
    .filter(
      ({ reason, kind, session }) => reason === "stale" && kind !== "rename" && !pending.includes(session),
    )
    .filter(({ base }) => is === describe(base, is))
    .map(({ id }) => id);
}

/** Edits as an editor does; says which path is another now, if any. */
function editFile(life: Life, { how, path, bytes }: Edit): string | undefined {
  const file = join(life.root, path);
  const is = fs.lstatSync(file, { throwIfNoEntry: false });
  if (how === "touched") {
    if (is?.isFile()) fs.utimesSync(file, new Date(), new Date());
    return undefined;
  }
  if (how === "removed") {
    if (is) fs.rmSync(file);
    life.edits.delete(path);
    return is && path;
  }
  const content = fresh(life, bytes);
  if (how === "in place" && is?.isFile()) fs.writeFileSync(file, content);
  else {
    write(`${file}.editor`, content);
    fs.renameSync(`${file}.editor`, file);
  }
  life.edits.set(path, content);
  life.tally.edits++;
  return path;
}

/** Unlike whatever has been written before. */
function fresh(life: Life, bytes: string): Buffer {
  return Buffer.from(`${life.count++} ${bytes}`, "latin1");
}

function write(file: string, content: string | Buffer): void {
  fs.mkdirSync(dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
}

/** Waits for the recovery, and counts what is left of ours. */
async function settled(life: Life): Promise<void> {
  await life.client.call("operation/list", { workspace: life.workspace, limit: 1 });
  const ours = fs
    .readdirSync(life.root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.includes(".iopipe-"));
  life.debris += ours.length;
  for (const name of ours) life.violations.push(`${name} is left`);
}

async function newestOperation({ client, workspace }: Life): Promise<Operation | undefined> {
  return (await client.call("operation/list", { workspace, limit: 1 })).operations[0];
}

/** Refusals are answers; what is broken, or a connection that ends, is not. */
function expectRefusal(life: Life, error: unknown): void {
  life.tally.refused++;
  const isRefusal = error instanceof IopipeError && !isKind(error, "InternalError", "IoFailed");
  if (!isRefusal) life.violations.push(`ended with ${error instanceof Error ? error.message : error}`);
}

/** By path: a file's mode and hash, or a link's target. Directories come and go with their files. */
type Tree = Readonly<Record<string, string>>;

function tree({ root }: Life): Tree {
  const found: Record<string, string> = {};
  for (const name of fs.readdirSync(root, { recursive: true, encoding: "utf8" }).sort()) {
    const file = join(root, name);
    const stat = fs.lstatSync(file);
    if (stat.isSymbolicLink()) found[name] = `-> ${fs.readlinkSync(file)}`;
    else if (stat.isFile()) found[name] = `${modeText(stat.mode)} ${sha256(fs.readFileSync(file))}`;
  }
  return found;
}

/** What an image looks like in a tree; a mode that it leaves open is the one that `is`. */
function describe({ exists, type, hash, mode, target }: Image, is: string | undefined): string | undefined {
  if (!exists) return undefined;
  if (type === "symlink") return `-> ${target}`;
  return `${mode === undefined ? is?.split(" ")[0] : modeText(mode)} ${hash}`;
}

const modeText = (mode: number): string => (mode & 0o7777).toString(8);

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

function holdTree(life: Life, before: Tree, what: string): void {
  if (JSON.stringify(tree(life)) !== JSON.stringify(before)) life.violations.push(`${what} changed the tree`);
}
