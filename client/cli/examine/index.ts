/**
 * The examinations of `doctor`: each looks at one thing, and says what to do.
 * Owns their order. Invariant: looks only; makes no directory and starts no daemon that serves.
 */
import { locate } from "../../../protocol/wire/locations.ts";
import type { Context } from "../context.ts";
import { examineDaemon } from "./daemon.ts";
import { directory, fileSystem, node } from "./here.ts";
import { inotify, openFiles } from "./limits.ts";
import { examineState } from "./state.ts";
import { typing } from "./terminal.ts";

/** One thing looked at. */
export interface Finding {
  readonly name: string;
  /** note: nothing is wrong, but this is worth to be known. */
  readonly state: "ok" | "note" | "warning" | "problem";
  /** What was found, with the number. */
  readonly fact: string;
  /** Where, where it is a place on disk; absolute. */
  readonly path?: string | undefined;
  /** What to do; where there is something to do. */
  readonly advice?: string | undefined;
  /** What kind of error it was, where one was met. */
  readonly kind?: string | undefined;
}

/** Runs every examination. */
export async function examine(context: Context): Promise<Finding[]> {
  const locations = locate();
  const { findings, status } = await examineDaemon(context, locations);
  return [
    node(),
    directory("state directory", locations.stateDir),
    directory("runtime directory", locations.runtimeDir),
    ...fileSystem(locations),
    ...findings,
    ...(await examineState(context, locations, { runs: status !== undefined, findings })),
    ...inotify(status?.watches ?? []),
    ...openFiles(status?.pid),
    ...typing(),
  ];
}
