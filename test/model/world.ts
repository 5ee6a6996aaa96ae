/**
 * A world for random histories: one tree in memory, one journal, somebody who edits, and a process that may die.
 * Owns what is asked of every promotion and recovery in it, told from the tree alone: the README's promises 1 to 5.
 * What happens, and in which order, is history.ts.
 */
import { aspectsOf, type Image, sameAspects, type Tree } from "../../daemon/disk/index.ts";
import { recover, type Transition } from "../../daemon/promotion/index.ts";
import type { OperationRow, Store } from "../../daemon/store/index.ts";
import { sha256 } from "../promotion/house.ts";
import { Crash, counting, crashingAt, type Fault, faulty } from "../promotion/ports.ts";
import { powerCut, powerCutAtRandom, randoms } from "./crash.ts";
import { collect, copyOf, type Disk, keyOf, listing } from "./disk.ts";
import type { Broken } from "./explore.ts";
import { modelPort } from "./port.ts";
import { type Listing, treeOn } from "./scene.ts";
import type { ModelStore } from "./store.ts";

/** When a process dies, and what is left then. */
interface Death {
  /** Before its so manieth call. */
  readonly at: number;
  /** Else it is only killed. */
  readonly isPowerCut: boolean;
  readonly seed: number;
}

/** An edit between a death and the restart; says where. */
type Meanwhile = () => string | undefined;

export interface Accident {
  /** The first dies promoting, the others recovering. */
  readonly deaths: readonly Death[];
  readonly meanwhile?: Meanwhile | undefined;
}

export interface Outcome {
  /** Undefined where there was no operation, or none that stands. */
  readonly applied: OperationRow | undefined;
  readonly crashed: boolean;
  /** Where somebody edited between a death and the restart. */
  readonly edited: string | undefined;
}

export interface World {
  readonly model: ModelStore;
  disk: Disk;
  /** What the promotion's seams leave out, to see that it is found. */
  readonly broken: Broken;
  /** What somebody has written, and nobody but they may have removed: bytes by path. */
  readonly written: Map<string, string>;
}

/** Files and links as a user sees them; directories come and go with them. */
export function filesOf(disk: Disk): Listing {
  return Object.fromEntries(Object.entries(listing(disk)).filter(([path]) => !path.endsWith("/")));
}

/** Bytes or target, without mode and owner. */
export function bytesOf(entry: string | undefined): string | undefined {
  return entry?.replace(/^\d+ \d+:\d+ (\{"[^}]*\} )?/, "");
}

/** Promotes `transitions` by `work`, through whatever accident, and holds what comes of it against the promises. */
export async function promoteIn(
  world: World,
  transitions: readonly Transition[],
  work: (tree: Tree, store: Store) => Promise<OperationRow>,
  { deaths, meanwhile }: Accident,
): Promise<Outcome> {
  const before = filesOf(world.disk);
  const images = await imagesOf(world.disk, transitions);
  const known = world.model.journal().operations.length;
  const answer = await live(world, deaths[0], work);
  const crashed = answer.crashed;
  let edited: string | undefined;
  if (crashed) {
    edited = meanwhile?.();
    const whole = filesOf(world.disk);
    for (const death of [...deaths.slice(1), undefined]) await restart(world, death);
    const kept = edited !== undefined && bytesOf(whole[edited]);
    // Removing what a promotion has made leaves what was there before it. Its mode is the patch's to change.
    if (edited !== undefined && kept !== bytesOf(before[edited]))
      hold(bytesOf(filesOf(world.disk)[edited]) === kept, `the edit of '${edited}' is gone`);
  }
  const { store, workspace } = world.model;
  const isNew = world.model.journal().operations.length > known;
  const [row] = isNew ? store.operations.list({ workspace }, { limit: 1 }) : [];
  expectClosed(world);
  expectWhole({ before, after: filesOf(world.disk), transitions, edited, row });
  expectDurable(world);
  expectWritten(world);
  if (!crashed) expectHonest(answer, transitions, images, row);
  return { crashed, edited, applied: row?.phase === "applied" ? row : undefined };
}

interface Answer {
  readonly crashed: boolean;
  readonly error?: Error & { kind?: string };
}

/** One process, which may die at a call. */
async function live(
  world: World,
  death: Death | undefined,
  work: (tree: Tree, store: Store) => Promise<unknown>,
): Promise<Answer> {
  const fault: Fault = death ? crashingAt(death.at) : counting();
  const { broken, model, disk } = world;
  const plain = { port: modelPort(disk), store: model.store };
  const seams = {
    port: broken.port?.(plain.port) ?? plain.port,
    store: broken.store?.(plain.store) ?? plain.store,
  };
  const { tree, store } = faulty("/model", seams.store, fault, seams.port);
  const error = await work(tree, store).then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  const crashed = death !== undefined && fault.calls >= death.at;
  if (crashed) world.disk = leftBy(death, world.disk);
  else if (error instanceof Crash) throw error;
  return { crashed, ...(error && { error }) };
}

function leftBy({ isPowerCut, seed }: Death, disk: Disk): Disk {
  if (isPowerCut) return powerCutAtRandom(disk, randoms(seed));
  const kept = copyOf(disk);
  collect(kept);
  return kept;
}

async function restart(world: World, death: Death | undefined): Promise<void> {
  const { workspace } = world.model;
  const { crashed, error } = await live(world, death, (tree, store) => recover({ workspace, tree, store }));
  if (error && !crashed) throw error;
}

function imagesOf(disk: Disk, transitions: readonly Transition[]): Promise<Image[]> {
  const tree = treeOn(disk);
  return Promise.all(transitions.map(({ path }) => tree.image(path)));
}

/** @throws with the fact that does not hold */
export function hold(is: boolean, otherwise: string): void {
  if (!is) throw new Error(otherwise);
}

/** Promise 2: no temporary file, no open journal. */
function expectClosed({ model, disk }: World): void {
  const debris = Object.keys(listing(disk)).filter((path) => path.includes(".iopipe-"));
  hold(debris.length === 0, `left behind: ${debris}`);
  const open = model.store.operations.openJournals(model.workspace);
  hold(open.length === 0, `the journal is open in phase ${open[0]?.phase}`);
}

interface Passage {
  readonly before: Listing;
  readonly after: Listing;
  readonly transitions: readonly Transition[];
  readonly edited: string | undefined;
  readonly row: OperationRow | undefined;
}

/** Promises 2 and 5: all or nothing, as the journal says, but for what somebody edited; and nothing else was touched. */
function expectWhole({ before, after, transitions, edited, row }: Passage): void {
  const mine = transitions.filter(({ path }) => path !== edited);
  const paths = new Set(transitions.map(({ path }) => path));
  for (const path of new Set([...Object.keys(before), ...Object.keys(after)]))
    if (!paths.has(path) && path !== edited) hold(after[path] === before[path], `'${path}' was touched`);

  const isBefore = mine.every(({ path }) => after[path] === before[path]);
  const isAfter = mine.every((transition) => isMade(transition, transitions, before, after));
  const phase = row?.phase ?? "aborted";
  const said = `it ended as ${phase}`;
  hold(isBefore || isAfter, `${said}, and the tree is mixed: ${JSON.stringify([before, after])}`);
  if (phase === "applied") hold(isAfter, `${said}, and it is not: ${JSON.stringify([before, after])}`);
  if (phase === "aborted") hold(isBefore, `${said}, and it is not: ${JSON.stringify([before, after])}`);
  const isTouched = edited !== undefined && paths.has(edited);
  hold(phase === "applied" || phase === "aborted" || isTouched, `${said} though nobody edited anything`);
}

/** Whether a path is as its transition wants it. */
function isMade(
  { path, before: base, after: image, patch }: Transition,
  transitions: readonly Transition[],
  before: Listing,
  after: Listing,
): boolean {
  const entry = after[path];
  if (!image.exists) return entry === undefined;
  if (entry === undefined) return false;
  const aspects = aspectsOf(base, image);
  const bytes = bytesOf(entry) as string;
  if (!aspects.includes("content")) {
    if (bytes !== bytesOf(before[path])) return false;
  } else if (image.type === "symlink") return bytes === `-> ${image.target}`;
  else if (sha256Latin(bytes) !== image.hash) return false;
  const renamed = transitions.find(
    (other) => patch !== undefined && other.patch === patch && other.path !== path,
  );
  const inherited =
    modeOf(before[path]) ?? modeOf(renamed && before[renamed.path]) ?? 0o666 & ~process.umask();
  const isNew = !base.exists || base.type !== "file";
  const mode = isNew || aspects.includes("mode") ? (image.mode ?? inherited) : inherited;
  return modeOf(entry) === mode;
}

function modeOf(entry: string | undefined): number | undefined {
  const mode = entry?.match(/^(\d+) \d+:\d+ /)?.[1];
  return mode === undefined ? undefined : Number.parseInt(mode, 8);
}

function sha256Latin(bytes: string): string {
  return sha256(Buffer.from(bytes, "latin1"));
}

/** What has been answered survives a power cut. */
function expectDurable({ disk }: World): void {
  const now = JSON.stringify(filesOf(disk));
  for (const lost of powerCut(disk, 16).disks)
    hold(JSON.stringify(filesOf(lost)) === now, "a power cut takes it back");
}

/** Promises 2 and 3: what somebody wrote is where they wrote it, or in the store. */
function expectWritten({ disk, written, model }: World): void {
  const files = filesOf(disk);
  for (const [path, bytes] of written) {
    const isThere = bytesOf(files[path]) === bytes;
    hold(isThere || model.store.blobs.has(sha256Latin(bytes)), `what was written to '${path}' is lost`);
  }
}

/** Promises 3 and 4: refused as stale where a base has changed, and nowhere else. */
function expectHonest(
  { error }: Answer,
  transitions: readonly Transition[],
  images: readonly Image[],
  row: OperationRow | undefined,
): void {
  const isCurrent = transitions.every(({ before, after }, at) =>
    sameAspects(before, images[at] as Image, aspectsOf(before, after)),
  );
  if (!error) {
    hold(row?.phase === "applied", `nobody edited anything, and it ended as ${row?.phase}`);
    hold(isCurrent, "a stale change was applied");
  } else if (error.kind === "Stale")
    hold(!isCurrent, `refused as stale, and nothing had changed: ${error.message}`);
  else hold(error.kind === "Conflict", `refused as ${error.kind}: ${error.stack}`);
}

/** Promise 1: what is staged is not on the disk. */
export async function staging<T>({ disk }: World, work: () => Promise<T>): Promise<T> {
  const before = keyOf(disk);
  const result = await work();
  hold(keyOf(disk) === before, "staging changed the tree");
  return result;
}
