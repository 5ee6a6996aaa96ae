/**
 * Starting a command in a layer: the arguments of enter.sh, and the directories that it needs to find.
 * Whoever runs a command starts this program; nothing here starts anything.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { mountPointsAsWritten } from "./mounts.ts";
import type { LayerPlace } from "./place.ts";

/** The daemon's directories, absolute. */
export interface Own {
  readonly stateDir: string;
  readonly runtimeDir: string;
  /** Of the proposer's socket, below the runtime directory. */
  readonly proposeDir: string;
}

export interface StartOptions {
  /** Names the mount. */
  readonly id: string;
  readonly root: string;
  readonly place: LayerPlace;
  /** The process that is going to start it. */
  readonly pid: number;
  /** What the command does not see, but for the proposer's directory; undefined hides nothing. */
  readonly hidden: Own | undefined;
  /** Directories below the root, relative to it, in which the command writes to the real tree. */
  readonly passed?: readonly string[] | undefined;
  /** Directories outside the root, absolute, for which there are layers too (git-layers.ts). */
  readonly git?: readonly string[] | undefined;
}

/** The program and its arguments, to which a working directory, a command and its arguments are to be added. */
export function startIn({ id, root, place, pid, hidden, passed = [], git = [] }: StartOptions): string[] {
  const enter = fileURLToPath(new URL("./enter.sh", import.meta.url));
  const owner = [process.getuid?.(), process.getgid?.()];
  const { propose, at, runtime, state } = hidden ? hiding(hidden) : NOTHING;
  for (const name of [at, runtime && "runtime", state && "state", ...passed.map((_, n) => `passed/${n + 1}`)])
    mkdirSync(join(place.cover, name), { recursive: true, mode: 0o700 });
  if (owner[0] === 0) writeFileSync(join(place.cover, "machine"), machineMounts());
  return [
    ...["setpriv", "--pdeathsig", "KILL", "sh", enter, String(pid), id, ...owner.map(String)],
    ...[root, place.directory, propose, at, runtime, state],
    ...[String(git.length), String(passed.length), ...git, ...passed],
  ];
}

/** Read-only for the command: a program named in some of these files is started by the kernel, outside and as root. */
const STEERING = ["/proc/sys", "/proc/sysrq-trigger", "/sys"];

/** As fstab(5): what root is kept from though it owns it. In the place of each disk is one that swallows everything. */
function machineMounts(): string {
  const disks = readdirSync("/sys/class/block").filter((name) => sizeOf(name) > 0);
  const nodes = disks.map((name) => `/dev/${name.replaceAll("!", "/")}`);
  return [
    ...nodes.filter((node) => existsSync(node)).map((node) => `/dev/null ${node} none bind 0 0\n`),
    ...withMountsBelow(STEERING).map((path) => `${path} ${path} none rbind,ro 0 0\n`),
  ].join("");
}

/** Those that exist, each with what is mounted below it, for read-only is one mount alone; names as fstab(5) has them too. */
function withMountsBelow(paths: readonly string[]): string[] {
  const mounts = mountPointsAsWritten();
  return paths
    .filter((path) => existsSync(path))
    .flatMap((path) => [path, ...mounts.filter((at) => at.startsWith(`${path}/`))]);
}

/** In sectors; a device without a medium, as most loop devices are, has none. */
function sizeOf(disk: string): number {
  try {
    return Number(readFileSync(`/sys/class/block/${disk}/size`, "utf8"));
  } catch {
    return 0;
  }
}

const NOTHING = { propose: "", at: "", runtime: "", state: "" };

/** One of the two may be below the other, and is hidden with it. */
function hiding({ stateDir, runtimeDir, proposeDir: propose }: Own): typeof NOTHING {
  const below = (outer: string, inner: string): boolean => `${inner}/`.startsWith(`${outer}/`);
  if (below(stateDir, runtimeDir))
    return { propose, at: join("state", relative(stateDir, propose)), runtime: "", state: stateDir };
  const at = join("runtime", relative(runtimeDir, propose));
  return { propose, at, runtime: runtimeDir, state: below(runtimeDir, stateDir) ? "" : stateDir };
}

/** The same for a copy, where nothing confines the command. */
export function startInCopy(): string[] {
  const dying = process.platform === "linux" ? ["setpriv", "--pdeathsig", "KILL"] : [];
  return [...dying, "sh", "-c", 'cd "$1" && shift && exec "$@"', "sh"];
}
