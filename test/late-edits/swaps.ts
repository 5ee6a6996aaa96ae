/**
 * When each file was swapped for another: a port that looks at the clock.
 * RACE: promotion documents two windows in which a save may be lost, and these times tell them: between the last look at a
 * target and a rename over it, which an exchange does not have (swap.ts), and after the last look at what was displaced
 * (sweep.ts).
 */
import type { Port } from "../../daemon/disk/index.ts";
import { portWith } from "../promotion/ports.ts";

/** In nanoseconds of CLOCK_MONOTONIC. */
export interface Swap {
  /** The last look at a target that was renamed over began. */
  readonly looked?: bigint;
  /** The target had been replaced. */
  readonly replaced: bigint;
  /** The last look at what it displaced began. */
  swept?: bigint;
}

export interface Watch {
  readonly port: Port;
  /** By the target's name. */
  readonly swaps: ReadonlyMap<string, Swap[]>;
}

const now = (): bigint => process.hrtime.bigint();

/** Knows a directory's own files by name. */
export function openWatch(): Watch {
  const swaps = new Map<string, Swap[]>();
  const looks = new Map<string, bigint>();
  /** Target by the name that it was displaced to. */
  const displaced = new Map<string, string>();
  const keep = (name: string, swap: Swap): void => void swaps.set(name, [...(swaps.get(name) ?? []), swap]);
  const port = portWith((real) => ({
    lstat: (dir, name) => {
      looks.set(name, now());
      return real.lstat(dir, name);
    },
    link: (from, oldName, to, newName) => {
      displaced.set(newName, oldName);
      real.link(from, oldName, to, newName);
    },
    rename: (from, oldName, to, newName) => {
      const looked = looks.get(newName) ?? now();
      real.rename(from, oldName, to, newName);
      keep(newName, { looked, replaced: now() });
    },
    exchange: (from, oldName, to, newName) => {
      const done = real.exchange(from, oldName, to, newName);
      if (done) keep(newName, { replaced: now() });
      return done;
    },
    openFile: (dir, name) => {
      const last = swaps.get(displaced.get(name) ?? "")?.at(-1);
      if (last) last.swept = now();
      return real.openFile(dir, name);
    },
  }));
  return { port, swaps };
}
