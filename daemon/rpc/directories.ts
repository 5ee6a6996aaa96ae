/**
 * The daemon's directories: made where they are missing, refused where somebody else could get in.
 * Owns the check that makes the sockets private: on some systems connect(2) ignores a socket's own mode, so that the
 * directory is the lock. Names are protocol/wire/locations.ts.
 * Failure: throws before anything was bound; directories that were made stay.
 * Source: unix(7), "Pathname sockets".
 */
import { lstatSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { IopipeError, type Locations, MAX_SOCKET_PATH_BYTES } from "../../protocol/wire/index.ts";
import { makeDirectory } from "../../protocol/wire/make-directory.ts";

/**
 * Makes the state, log and runtime directories with mode 0700, and checks them.
 *
 * @throws {IopipeError} AccessDenied for a directory that is a symlink, another user's or open to others; NameTooLong
 *   for a socket path over 103 bytes; what mkdir(2) says. Each with the next step as its hint.
 */
export function makeDirectories(locations: Locations): void {
  for (const path of Object.values(locations.sockets)) checkSocketPath(path);
  const sockets = Object.values(locations.sockets).map((path) => dirname(path));
  for (const path of new Set([
    locations.stateDir,
    dirname(locations.logFile),
    locations.runtimeDir,
    ...sockets,
  ]))
    makeTrusted(path);
}

function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return;
  throw new IopipeError(
    "NameTooLong",
    `The socket's path ${path} has ${bytes} bytes; sockets may have ${MAX_SOCKET_PATH_BYTES}.`,
    { hint: "Set IOPIPE_RUNTIME_DIR to a directory with a shorter path." },
  );
}

function makeTrusted(path: string): void {
  makeDirectory(path);
  const problem = problemOf(path, lstatSync(path));
  if (problem) throw new IopipeError("AccessDenied", `${path} ${problem.fact}.`, { hint: problem.hint });
}

function problemOf(path: string, stat: Stats): { fact: string; hint: string } | undefined {
  if (stat.isSymbolicLink())
    return {
      fact: "is a symlink",
      hint: "Name the directory itself with IOPIPE_STATE_DIR or IOPIPE_RUNTIME_DIR.",
    };
  if (!stat.isDirectory()) return { fact: "is no directory", hint: "Move it away." };
  const uid = process.getuid?.();
  if (uid !== undefined && stat.uid !== uid)
    return { fact: `belongs to user ${stat.uid}, not to ${uid}`, hint: "Choose a directory of your own." };
  const mode = stat.mode & 0o777;
  if (mode & 0o077)
    return { fact: `is open to group or others (mode ${mode.toString(8)})`, hint: `Run: chmod 700 ${path}` };
  return undefined;
}
