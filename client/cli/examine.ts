/**
 * The examinations of `doctor`: each looks at one thing from here, and says what to do.
 * Owns the thresholds. Invariant: looks only; makes no directory and starts no daemon.
 * Source: statfs(2) magic numbers of linux/magic.h; inotify(7) for the limits.
 */
import { readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import type { IopipeError } from "../../protocol/wire/errors.ts";
import { type Locations, locate } from "../../protocol/wire/locations.ts";
import { isNoDaemon } from "../faults.ts";
import type { Context } from "./context.ts";
import type { Finding } from "./verbs/doctor.ts";

/** Runs every examination. */
export async function examine(context: Context): Promise<Finding[]> {
  const locations = locate();
  return [
    node(),
    directory("state directory", locations.stateDir),
    directory("runtime directory", locations.runtimeDir),
    ...fileSystem(locations),
    ...(await daemon(context)),
    ...inotify(),
  ];
}

function node(): Finding {
  const required = packageJson.engines.node.replace(">=", "");
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [needMajor = 0, needMinor = 0] = required.split(".").map(Number);
  const fact = `${process.versions.node} at ${process.execPath}`;
  if (major > needMajor || (major === needMajor && minor >= needMinor))
    return { name: "node", state: "ok", fact };
  return { name: "node", state: "problem", fact, advice: `Install Node ${required} or newer.` };
}

function directory(name: string, path: string): Finding {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return { name, state: "ok", fact: `${path} does not exist yet` };
  const mode = (stat.mode & 0o777).toString(8).padStart(4, "0");
  if (process.getuid !== undefined && stat.uid !== process.getuid())
    return { name, state: "problem", fact: `${path} belongs to user ${stat.uid}`, advice: "Move it away." };
  if ((stat.mode & 0o077) === 0) return { name, state: "ok", fact: `${path}, mode ${mode}` };
  return { name, state: "problem", fact: `${path} has mode ${mode}`, advice: `Run \`chmod 700 ${path}\`.` };
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

function fileSystem({ stateDir }: Locations): Finding[] {
  const { type, bavail, bsize } = statfsSync(existing(stateDir));
  const unfit = UNFIT.get(type);
  const free = bavail * bsize;
  const name = "state file system";
  const space: Finding = { name: "free space", state: "ok", fact: `${Math.round(free / 2 ** 20)} MiB` };
  return [
    unfit === undefined
      ? { name, state: "ok", fact: "local" }
      : {
          name,
          state: "warning",
          fact: unfit,
          advice: "Set IOPIPE_STATE_DIR to a directory on a local disk.",
        },
    free > LOW_SPACE_BYTES
      ? space
      : { ...space, state: "warning", advice: `Free some space where ${stateDir} lies.` },
  ];
}

function existing(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? existing(dirname(path)) : path;
}

async function daemon(context: Context): Promise<Finding[]> {
  const name = "daemon";
  try {
    await context.connection(false);
    const { pid, version, workspaces } = await context.call("daemon/status", {});
    const fact = `process ${pid}, version ${version}`;
    const same = version === packageJson.version;
    const here: Finding = same
      ? { name, state: "ok", fact }
      : {
          name,
          state: "warning",
          fact: `${fact}; this is ${packageJson.version}`,
          advice: "Run `iopipectl daemon stop`: the next command starts the new one.",
        };
    const unwell = workspaces.filter(({ watch }) => watch.state !== "live" && watch.state !== "crawling");
    return [here, ...unwell.map(({ root, watch }) => watching(root, watch))];
  } catch (error) {
    const { message } = error as Error;
    if (isNoDaemon(error)) return [{ name, state: "ok", fact: "none runs; the next command starts one" }];
    const { hint, kind } = (error as Partial<IopipeError>).data ?? {};
    return [
      {
        name,
        state: "problem",
        fact: message,
        ...(hint !== undefined && { advice: hint }),
        ...(kind !== undefined && { kind }),
      },
    ];
  }
}

function watching(root: string, { state, warnings }: { state: string; warnings: string[] }): Finding {
  return { name: `watching ${root}`, state: "warning", fact: [state, ...warnings].join("; ") };
}

/** How many of this user's inotify instances are in use, against the kernel's limits. */
function inotify(): Finding[] {
  const limits = ["max_user_watches", "max_user_instances"].map((name) => ({ name, limit: sysctl(name) }));
  const used = { max_user_watches: 0, max_user_instances: 0 } as Record<string, number>;
  for (const { watches } of instances()) {
    used.max_user_instances = (used.max_user_instances ?? 0) + 1;
    used.max_user_watches = (used.max_user_watches ?? 0) + watches;
  }
  return limits.flatMap(({ name, limit }): Finding[] => {
    if (limit === undefined) return [];
    const fact = `${used[name]} of ${limit} in use`;
    if ((used[name] ?? 0) < limit * 0.9) return [{ name: `inotify ${name}`, state: "ok", fact }];
    const advice = `Raise it: \`sudo sysctl fs.inotify.${name}=${limit * 4}\`, and the same in /etc/sysctl.d.`;
    return [{ name: `inotify ${name}`, state: "warning", fact, advice }];
  });
}

function sysctl(name: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/fs/inotify/${name}`, "utf8"));
  } catch {
    return undefined; // Not Linux.
  }
}

/** This user's inotify instances; processes that end meanwhile, or are somebody else's, are left out. */
function* instances(): Generator<{ watches: number }> {
  for (const pid of listed("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const fd of listed(`/proc/${pid}/fd`)) {
      try {
        if (readlinkSync(`/proc/${pid}/fd/${fd}`) !== "anon_inode:inotify") continue;
        const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, "latin1");
        yield { watches: info.split("\ninotify ").length - 1 };
      } catch {
        // Closed in between.
      }
    }
  }
}

function listed(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
