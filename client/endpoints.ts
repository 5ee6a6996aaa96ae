/**
 * Endpoints: which sockets a daemon may answer on, and whether a socket's directory can be trusted.
 * Owns reading daemon.json and the directory check. The names come from protocol/wire/locations.ts; connecting is
 * dial.ts.
 * Synchronous: two calls on one small file each, and the promise API costs a command's start some milliseconds.
 * Invariant: nothing is ever sent through a directory that another user could have made or written.
 */
import { lstatSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { DaemonFile, Locations, Role } from "../protocol/wire/locations.ts";
import { untrusted } from "./faults.ts";

/** Reads `daemon.json`; undefined where there is none to read or it is not one of ours. */
export function readDaemonFile({ daemonFile }: Locations): DaemonFile | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(daemonFile, "utf8"));
    return isDaemonFile(parsed) ? parsed : undefined;
  } catch {
    // Absent, hidden by a sandbox, or half of an older version's: the environment's sockets remain.
    return undefined;
  }
}

function isDaemonFile(value: unknown): value is DaemonFile {
  const { sockets, pid } = (value ?? {}) as Partial<DaemonFile>;
  return (
    typeof pid === "number" && typeof sockets?.reviewer === "string" && typeof sockets.proposer === "string"
  );
}

/**
 * The sockets to try for `role`, in order: the environment's own, then the one that `daemon.json` names, for a
 * client whose login session has another runtime directory than the daemon's.
 */
export function* endpoints(locations: Locations, role: Role): Generator<string> {
  const own = locations.sockets[role];
  yield own;
  const named = readDaemonFile(locations)?.sockets[role];
  if (named !== undefined && named !== own) yield named;
}

/**
 * Checks that `socket` lies in a directory of this user that nobody else can write or read.
 *
 * @throws {IopipeError} AccessDenied where it does not; an ENOENT error where there is no such directory.
 */
export function checkDirectoryOf(socket: string): void {
  const directory = dirname(socket);
  const found = lstatSync(directory);
  if (!found.isDirectory()) throw untrusted(directory, "is not a directory");
  if (process.getuid !== undefined && found.uid !== process.getuid())
    throw untrusted(directory, `belongs to user ${found.uid}`);
  if ((found.mode & 0o077) !== 0) throw untrusted(directory, `has mode ${(found.mode & 0o777).toString(8)}`);
}
