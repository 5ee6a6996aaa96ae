/**
 * Endpoints: which sockets a daemon may answer on, and whether a socket's directory can be trusted.
 * Owns reading daemon.json and the directory check. The names come from protocol/wire/locations.ts; connecting is
 * dial.ts.
 * Invariant: nothing is ever sent through a directory that another user could have made or written.
 */
import { lstat, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { DaemonFile, Locations, Role } from "../protocol/wire/locations.ts";
import { untrusted } from "./faults.ts";

/** Reads `daemon.json`; undefined where there is none to read or it is not one of ours. */
export async function readDaemonFile({ daemonFile }: Locations): Promise<DaemonFile | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(daemonFile, "utf8"));
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
export async function endpoints(locations: Locations, role: Role): Promise<readonly string[]> {
  const own = locations.sockets[role];
  const named = (await readDaemonFile(locations))?.sockets[role];
  return named === undefined || named === own ? [own] : [own, named];
}

/**
 * Checks that `socket` lies in a directory of this user that nobody else can write or read.
 *
 * @throws {IopipeError} AccessDenied where it does not; an ENOENT error where there is no such directory.
 */
export async function checkDirectoryOf(socket: string): Promise<void> {
  const directory = dirname(socket);
  const found = await lstat(directory);
  if (!found.isDirectory()) throw untrusted(directory, "is not a directory");
  if (process.getuid !== undefined && found.uid !== process.getuid())
    throw untrusted(directory, `belongs to user ${found.uid}`);
  if ((found.mode & 0o077) !== 0) throw untrusted(directory, `has mode ${(found.mode & 0o777).toString(8)}`);
}
