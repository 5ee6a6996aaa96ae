/**
 * Making one of our directories, at both ends: whoever comes first.
 * Owns the call and its refusals. Names are locations.ts; whether a directory can be trusted is each end's to look at.
 * Not by mkdir's `recursive`: below /proc, where ENOENT stays ENOENT, Node 24 asks for ever (measured).
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { type ErrorKind, IopipeError } from "./errors.ts";

const KINDS: Readonly<Record<string, ErrorKind>> = {
  EACCES: "AccessDenied",
  EPERM: "AccessDenied",
  EROFS: "ReadOnly",
  ENOSPC: "DiskFull",
  EDQUOT: "DiskFull",
  ENAMETOOLONG: "NameTooLong",
};

/**
 * Makes `directory` and what is missing above it, each with mode 0700; what is there already stays as it is, whatever
 * it is.
 *
 * @throws {IopipeError} with the next step as its hint; what was made until then stays
 */
export function makeDirectory(directory: string): void {
  if (tryMaking(directory)) return;
  const parent = dirname(directory);
  if (parent !== directory) makeDirectory(parent);
  if (!tryMaking(directory)) throw refused(directory, "ENOENT");
}

/** False where the directory above it is missing. */
function tryMaking(directory: string): boolean {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return false;
    if (code !== "EEXIST") throw refused(directory, code);
  }
  return true;
}

function refused(directory: string, code: string): IopipeError {
  return new IopipeError(KINDS[code] ?? "IoFailed", `${directory} cannot be made (${code}).`, {
    hint: "Set IOPIPE_STATE_DIR and IOPIPE_RUNTIME_DIR to directories that you may write.",
  });
}
