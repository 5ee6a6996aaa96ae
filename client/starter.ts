/**
 * The starter: one client's part in getting a daemon started, advanced between two attempts to connect.
 * Owns who starts when. The process itself is autostart.ts.
 * Invariant: at most one child at a time; a child that found somebody else serving is replaced only after a while,
 * for that somebody may be on its way out.
 */
import { statfsSync } from "node:fs";
import { IopipeError } from "../protocol/wire/errors.ts";
import type { Locations } from "../protocol/wire/locations.ts";
import { claimStart, SOMEBODY_SERVES, type Starting, startDaemon } from "./autostart.ts";
import { noDaemon } from "./faults.ts";

export interface Starter {
  /**
   * Starts a daemon where that is this client's turn.
   *
   * @throws {IopipeError} with isNoDaemon when the daemon that it started has failed: its last lines are in the
   * message; AccessDenied when the state directory cannot be written.
   */
  advance(): void;
  /** Gives the claim back. Safe to call twice. */
  end(): void;
}

/** How long a daemon that held the lock may take to answer or to leave it, in milliseconds. */
const SOMEBODY_SERVES_MS = 300;

export function makeStarter(locations: Locations): Starter {
  let child: Starting | undefined;
  let release: (() => void) | undefined;
  let notBeforeMs = 0;
  const end = (): void => {
    release?.();
    release = undefined;
  };
  const advance = (): void => {
    if (child?.exit === SOMEBODY_SERVES) {
      child = undefined;
      notBeforeMs = performance.now() + SOMEBODY_SERVES_MS;
      end();
    }
    if (child?.exit !== undefined) throw failed(child, locations);
    if (child !== undefined || performance.now() < notBeforeMs) return;
    release ??= claimStart(locations);
    if (release !== undefined) child = startDaemon(locations);
  };
  return { advance: () => explained(locations, advance), end };
}

function failed(child: Starting, { stateDir }: Locations): IopipeError {
  const words = child.lastWords() || noRoom(stateDir);
  const how = typeof child.exit === "number" ? `with status ${child.exit}` : `by ${child.exit}`;
  return noDaemon(`The daemon ended at its start, ${how}.${words && `\n${words}`}`, { status: child.exit });
}

/** Where the disk is full its last words have no room either. */
function noRoom(directory: string): string {
  return statfsSync(directory).bavail === 0 ? `No space is left on the file system of ${directory}.` : "";
}

/** Runs `work`; where the state directory refuses it, says so. */
function explained(locations: Locations, work: () => void): void {
  try {
    work();
  } catch (error) {
    const { code, path = locations.stateDir } = error as NodeJS.ErrnoException;
    if (error instanceof IopipeError || code === undefined) throw error;
    const message = `No daemon runs, and none can be started: ${path} cannot be written (${code}).`;
    if (!["EACCES", "EPERM", "EROFS"].includes(code)) throw noDaemon(message, { errno: code });
    throw new IopipeError("AccessDenied", message, {
      hint: "Inside a sandbox, start the daemon outside it (`iopipectl daemon start`) and allow its socket.",
      errno: code,
    });
  }
}
