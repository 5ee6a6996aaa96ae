/**
 * Autostart: starts iopiped as a process of its own, detached from this one.
 * Owns the child's environment, its log of last words, and the claim by which one of many clients starts it. Whether
 * one is needed and when it answers is connect.ts; that only one daemon serves is the daemon's own lock.
 * Invariant: the child keeps none of this process's descriptors, so that `iopipectl … | cat` ends.
 */
import { spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync, statSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Locations } from "../protocol/wire/locations.ts";
import { makeDirectory } from "../protocol/wire/make-directory.ts";
import { nothingInherited } from "./descriptors.ts";
import { noDaemon } from "./faults.ts";
import { isNodeNewEnough, REQUIRED_NODE } from "./node-version.ts";

/** Exit status of a daemon that found another one serving. sysexits(3), EX_TEMPFAIL. */
export const SOMEBODY_SERVES = 75;

/** A daemon under way. */
export interface Starting {
  /** Set when it has exited: its status, or the signal that ended it. */
  exit: number | NodeJS.Signals | undefined;
  /** What it wrote to stdout and stderr since it was started, its last lines only. */
  lastWords(): string;
}

/**
 * Starts a daemon for `locations`; does not wait until it answers.
 *
 * @throws {IopipeError} IoFailed where this Node is too old for it; what makeDirectory says of the state directory. Nothing was started then.
 */
export function startDaemon(locations: Locations): Starting {
  checkNode();
  const log = startLog(locations);
  const from = fstatSync(log.fd).size;
  const entry = fileURLToPath(new URL("../daemon/iopiped.ts", import.meta.url));
  const child = spawn(process.execPath, [entry], {
    cwd: "/",
    detached: true,
    env: daemonEnvironment(locations),
    stdio: nothingInherited(["ignore", log.fd, log.fd]),
  });
  closeSync(log.fd);
  const starting: Starting = { exit: undefined, lastWords: () => tail(log.path, from) };
  child.once("error", () => {
    starting.exit ??= 1;
  });
  child.once("exit", (code, signal) => {
    starting.exit ??= code ?? signal ?? 1;
  });
  child.unref();
  return starting;
}

/** The environment without what is this process's own: measured, NODE_EXTRA_CA_CERTS alone costs 75 ms a start. */
function daemonEnvironment({ stateDir, runtimeDir }: Locations): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(NODE_EXTRA_CA_CERTS|NODE_OPTIONS|LISTEN_.*)$/.test(name),
  );
  // Absolute, because the daemon's working directory is another one.
  return { ...Object.fromEntries(kept), IOPIPE_STATE_DIR: stateDir, IOPIPE_RUNTIME_DIR: runtimeDir };
}

function checkNode(): void {
  if (isNodeNewEnough()) return;
  throw noDaemon(
    `iopiped needs Node ${REQUIRED_NODE} or newer, but ${process.execPath} is Node ${process.versions.node}.`,
    { hint: "Start it with a newer Node: `npx iopiped` in a checkout brings its own." },
  );
}

/** Beside the daemon's own log: only what comes before that is open, and what a crash says. */
function startLog({ logFile }: Locations): { fd: number; path: string } {
  const path = join(dirname(logFile), "start.log");
  makeDirectory(dirname(path));
  const tooLong = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 1024 * 1024;
  return { fd: openSync(path, tooLong ? "w" : "a", 0o600), path };
}

function tail(path: string, from: number): string {
  const words = readFileSync(path).subarray(from).toString("utf8").trim();
  return words.split("\n").slice(-8).join("\n");
}

/** A claim older than this is a dead client's, in milliseconds. */
const CLAIM_MS = 3000;

/**
 * Claims the start for this process, so that fifty clients at once do not start fifty daemons.
 *
 * An optimisation only: a claim that two processes hold costs one child that exits with SOMEBODY_SERVES. Returns the
 * release, or undefined while another process holds the claim.
 */
export function claimStart({ stateDir }: Locations): (() => void) | undefined {
  const path = join(stateDir, "starting");
  makeDirectory(stateDir);
  const release = (): void => {
    try {
      unlinkSync(path);
    } catch {
      // Somebody took it for a dead client's; theirs now.
    }
  };
  if (!tryCreate(path)) {
    const held = statSync(path, { throwIfNoEntry: false });
    if (held !== undefined && Date.now() - held.mtimeMs < CLAIM_MS) return undefined;
    release();
    if (!tryCreate(path)) return undefined;
  }
  return release;
}

function tryCreate(path: string): boolean {
  try {
    closeSync(openSync(path, "wx", 0o600));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
