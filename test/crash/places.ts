/**
 * Where sweeps happen: the stages of each kind, made when a sweep needs them, and why some cannot be made here.
 * Owns the directories, images and the driver's bundle, all of which `clear` removes.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { driverStage, type Stage } from "./case.ts";
import { daemonStage } from "./daemon.ts";
import { type FileSystem, makeVolume, unmountAll, whyNoPower } from "./power.ts";
import { makeSlot } from "./slot.ts";

/** Memory where there is some: a kill loses nothing that was written, whatever it was written to. */
const QUICK = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export interface Places {
  /** Tree and store on one file system, in memory. */
  plain(env?: Readonly<Record<string, string>>): Promise<Stage>;
  /** The tree on the disk, the store in memory. */
  apart(): Promise<Stage>;
  daemon(): Promise<Stage>;
  /** An empty directory. */
  directory(): string;
  power(loss: Loss): Promise<Stage>;
  clear(): void;
}

/** What loses its power: the file system of both, or of one where the other's keeps all that was written. */
export interface Loss {
  readonly type: FileSystem;
  readonly of: "both" | "tree" | "store";
  readonly flush: boolean;
  /** What the driver leaves out. */
  readonly without?: "files" | "directories";
}

export const whyNotApart = (): string | undefined =>
  statSync(QUICK).dev === statSync(tmpdir()).dev ? `${QUICK} and ${tmpdir()} are one file system` : undefined;

export { whyNoPower };

export async function openPlaces(): Promise<Places> {
  const quick = mkdtempSync(join(QUICK, "iopipe-crash-"));
  const disk = mkdtempSync(join(tmpdir(), "iopipe-crash-"));
  // Below the checkout, so that it finds the native packages.
  const bundle = join(import.meta.dirname, `../../node_modules/.iopipe-crash-${process.pid}`);
  const clear = (): void => {
    unmountAll();
    for (const directory of [quick, disk, bundle]) rmSync(directory, { recursive: true, force: true });
  };
  try {
    const driver = await bundleDriver(bundle);
    let made = 0;
    const fresh = (base: string): string => {
      const directory = join(base, `${made++}`);
      mkdirSync(directory);
      return directory;
    };
    return {
      clear,
      directory: () => fresh(quick),
      plain: async (env) => {
        const directory = fresh(quick);
        return driverStage(await makeSlot(join(directory, "w"), directory, directory), driver, env);
      },
      apart: async () => {
        const directory = fresh(quick);
        return driverStage(await makeSlot(join(directory, "w"), fresh(disk), directory), driver);
      },
      daemon: async () => {
        const directory = fresh(quick);
        return daemonStage(await makeSlot(join(directory, "w"), directory, directory));
      },
      power: (loss) => powerStage(fresh(quick), driver, loss),
    };
  } catch (error) {
    clear();
    throw error;
  }
}

async function powerStage(
  directory: string,
  driver: string,
  { type, of, flush, without }: Loss,
): Promise<Stage> {
  const volume = makeVolume(directory, type);
  const tree = of === "store" ? directory : volume.path;
  const store = of === "tree" ? directory : volume.path;
  const slot = await makeSlot(join(directory, "w"), tree, store);
  const stage = driverStage(slot, driver, without && { CRASH_WITHOUT: without });
  return { ...stage, settle: volume.sync, cut: () => volume.cut(flush) };
}

/** One file: it starts three times as quickly, and stays what it is while its sources are edited. */
async function bundleDriver(directory: string): Promise<string> {
  const outfile = join(directory, "driver.js");
  await build({
    entryPoints: [join(import.meta.dirname, "driver.ts")],
    ...{ outfile, bundle: true, platform: "node", format: "esm", logLevel: "warning" },
    external: ["better-sqlite3"],
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
  });
  return outfile;
}
