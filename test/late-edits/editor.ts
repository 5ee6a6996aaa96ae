/**
 * An editor at work in a process of its own: `node editor.ts WAY DIRECTORY FILES [PAUSE]` saves the files 0, 1, …, one at
 * random each time, at full speed or with pauses of up to so many milliseconds. What it saves is a line, `FILE SAVE`, that there has never been.
 * It prints a line when it begins. When its stdin ends it prints the saves that it has not overwritten itself: somebody
 * has displaced them, or they are there still. Saves of one file into one inode are one run.
 */
import * as fs from "node:fs";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { type Dir, identityOf, type Stat } from "../../daemon/disk/index.ts";
import { portOf } from "../../daemon/disk/platform.ts";

export type Way = keyof typeof WAYS;

export interface Run {
  readonly file: number;
  /** The saves `first` to `last` of the file. */
  readonly first: number;
  readonly last: number;
  /**
   * When the last one began and ended: nanoseconds of CLOCK_MONOTONIC, which all processes share, in digits since JSON
   * has no such numbers.
   */
  readonly from: string;
  readonly to: string;
}

/** The file that a line went into, and the one that was overwritten, as identities. */
interface Saved {
  readonly into: string;
  readonly over: string;
}

const port = portOf(process.platform);

const { O_APPEND, O_WRONLY } = fs.constants;

const WAYS = {
  append: (_: Dir, name: string, line: string) => inPlace(fs.openSync(name, O_WRONLY | O_APPEND), line),
  truncate: (_: Dir, name: string, line: string) => {
    const handle = fs.openSync(name, O_WRONLY);
    fs.ftruncateSync(handle);
    return inPlace(handle, line);
  },
  rename: (dir: Dir, name: string, line: string): Saved => {
    const temporary = `${name}.saving`;
    fs.writeFileSync(temporary, line);
    return { into: identify(dir, temporary), over: replace(dir, temporary, name) };
  },
};

/**
 * Says which file was displaced. A look before a rename would not tell that: a promotion that is taken back in between
 * puts an older save there, which would pass for lost. Hence an exchange, where there is one.
 */
function replace(dir: Dir, from: string, to: string): string {
  if (!port.exchange(dir, from, dir, to)) {
    const over = identify(dir, to);
    port.rename(dir, from, dir, to);
    return over;
  }
  const over = identify(dir, from);
  port.unlink(dir, from);
  return over;
}

const identify = (dir: Dir, name: string): string => identityOf(port.lstat(dir, name) as Stat);

function inPlace(handle: number, line: string): Saved {
  hesitate();
  fs.writeSync(handle, line);
  const file = identityOf(fs.fstatSync(handle, { bigint: true }));
  fs.closeSync(handle);
  return { into: file, over: file };
}

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Now and then, so long that what is open may be displaced meanwhile. */
function hesitate(): void {
  if (Math.random() < 1 / 16) Atomics.wait(cell, 0, 0, Math.random() * 2);
}

const now = (): string => String(process.hrtime.bigint());

/** Saves until `isOver`. */
interface Job {
  readonly way: Way;
  readonly count: number;
  readonly pauseMs: number;
}

async function edit({ way, count, pauseMs }: Job, isOver: () => boolean): Promise<Run[]> {
  const dir = port.openRoot(".");
  const saves: number[] = [];
  /** By the file that they are in, wherever that is by now. */
  const runs = new Map<string, Run>();
  for (let n = 0; !isOver(); n++) {
    const file = Math.floor(Math.random() * count);
    const last = saves[file] ?? 0;
    saves[file] = last + 1;
    const from = now();
    const { into, over } = WAYS[way](dir, String(file), `${file} ${last}\n`);
    const first = way === "append" ? (runs.get(over)?.first ?? last) : last;
    runs.delete(over);
    runs.set(into, { file, first, last, from, to: now() });
    if (pauseMs > 0) await delay(Math.random() * pauseMs);
    else if (n % 32 === 0) await turn();
  }
  return [...runs.values()];
}

if (import.meta.main) {
  let isOver = false;
  process.stdin.on("end", () => (isOver = true)).resume();
  process.stdout.write("\n");
  const [way, directory = "", files, pause = 0] = process.argv.slice(2);
  process.chdir(directory);
  const job: Job = { way: way as Way, count: Number(files), pauseMs: Number(pause) };
  process.stdout.write(JSON.stringify(await edit(job, () => isOver)));
}
