/**
 * What iopipe needs of this machine: Node, directories of its own, a local file system with room.
 * Owns the thresholds. Source: statfs(2), the magic numbers of linux/magic.h.
 */
import { existsSync, type Stats, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Locations } from "../../../protocol/wire/locations.ts";
import { isNodeNewEnough, REQUIRED_NODE } from "../../node-version.ts";
import type { Finding } from "./index.ts";

export function node(): Finding {
  const fact = `${process.versions.node} at ${process.execPath}`;
  if (isNodeNewEnough()) return { name: "node", state: "ok", fact };
  return { name: "node", state: "problem", fact, advice: `Install Node ${REQUIRED_NODE} or newer.` };
}

export function directory(name: string, path: string): Finding {
  const stat = look(path);
  if (typeof stat === "string") {
    const advice = `Look at the directories above it: \`namei -l ${path}\`.`;
    return { name, state: "problem", fact: `${path} cannot be looked at (${stat})`, path, advice };
  }
  if (stat === undefined) return { name, state: "ok", fact: `${path} does not exist yet`, path };
  const mode = (stat.mode & 0o777).toString(8).padStart(4, "0");
  if (process.getuid !== undefined && stat.uid !== process.getuid()) {
    const fact = `${path} belongs to user ${stat.uid}`;
    return { name, state: "problem", fact, path, advice: "Move it away." };
  }
  if ((stat.mode & 0o777) === 0o700) return { name, state: "ok", fact: `${path}, mode ${mode}`, path };
  const advice = `Run \`chmod 700 ${path}\`.`;
  return { name, state: "problem", fact: `${path} has mode ${mode}`, path, advice };
}

/** Undefined where it does not exist; the error's code where nobody may look. */
function look(path: string): Stats | string | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

/** File systems without the locks or the durability that SQLite's WAL needs. */
const UNFIT = new Map([
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x01021997, "9p"],
  [0x65735546, "FUSE"],
]);
const LOW_SPACE_BYTES = 256 * 1024 * 1024;

export function fileSystem({ stateDir: path }: Locations): Finding[] {
  const { type, bavail, bsize } = statfsSync(existing(path));
  const unfit = UNFIT.get(type);
  const free = bavail * bsize;
  const name = "state file system";
  const advice = "Set IOPIPE_STATE_DIR to a directory on a local disk.";
  const space: Finding = { name: "free space", state: "ok", fact: `${Math.round(free / 2 ** 20)} MiB`, path };
  return [
    unfit === undefined
      ? { name, state: "ok", fact: "local", path }
      : { name, state: "warning", fact: unfit, path, advice },
    free > LOW_SPACE_BYTES
      ? space
      : {
          ...space,
          state: "warning",
          advice: `Free some space where ${path} lies; \`iopipectl gc --dry-run\`.`,
        },
  ];
}

function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path));
}
