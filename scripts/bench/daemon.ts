/** A built daemon for a bench, with its state and the bench's files in a temporary directory. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Connection } from "../../client/index.ts";
import { IOPIPED, startDaemon } from "../scratch/daemon.ts";
import { makeDirectory } from "../scratch/directory.ts";

export interface Bench {
  /** Temporary, for the bench's own files. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly connection: Connection;
}

export async function withDaemon<T>(work: (bench: Bench) => Promise<T>): Promise<T> {
  if (!existsSync(IOPIPED.built)) throw new Error("There is no dist/ to measure: run `npm run build` first.");
  const directory = makeDirectory();
  const { stop, ...daemon } = await startDaemon(IOPIPED.built, join(directory, "state"), "bench");
  const result = await work({ directory, ...daemon });
  await stop();
  return result;
}
