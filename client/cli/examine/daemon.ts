/**
 * The daemon: whether one runs and answers, its sockets, and what daemon.json says of it.
 * Owns nothing but the looks; finding and trusting a socket is the client's (endpoints.ts).
 */
import { existsSync, lstatSync } from "node:fs";
import packageJson from "../../../package.json" with { type: "json" };
import type { Result } from "../../../protocol/methods/index.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import type { DaemonFile, Locations, Role } from "../../../protocol/wire/locations.ts";
import { readDaemonFile } from "../../endpoints.ts";
import { isNoDaemon } from "../../faults.ts";
import type { Context } from "../context.ts";
import { hintOf } from "../hints.ts";
import type { Finding } from "./index.ts";

type Status = Result<"daemon/status">;

export interface ExaminedDaemon {
  readonly findings: Finding[];
  /** Undefined where none answers. */
  readonly status?: Status;
}

export async function examineDaemon(context: Context, locations: Locations): Promise<ExaminedDaemon> {
  const name = "daemon";
  try {
    await context.connection(false);
    const status = await context.call("daemon/status", {});
    const unwell = status.workspaces.filter(({ watch }) => !WELL.includes(watch.state));
    const findings = [
      versionOf(status),
      ...socketsOf(status),
      daemonFileOf(locations, status),
      ...unwell.map(({ root, watch }) => watching(root, watch)),
    ];
    return { findings, status };
  } catch (error) {
    if (isNoDaemon(error)) {
      const fact = "none runs; the next command starts one";
      return { findings: [{ name, state: "ok", fact }, ...leftBehind(locations)] };
    }
    const { message: fact } = error as Error;
    const told = error instanceof IopipeError ? { advice: hintOf(error), kind: error.kind } : {};
    return { findings: [{ name, state: "problem", fact, ...told }] };
  }
}

const WELL: readonly string[] = ["live", "crawling"];

function versionOf({ pid, version }: Status): Finding {
  const name = "daemon";
  const fact = `process ${pid}, version ${version}`;
  if (version === packageJson.version) return { name, state: "ok", fact };
  const advice = "Run `iopipectl daemon stop`: the next command starts the new one.";
  return { name, state: "warning", fact: `${fact}; this is ${packageJson.version}`, advice };
}

function socketsOf({ sockets }: Status): Finding[] {
  return (Object.entries(sockets) as [Role, string][]).map(([role, path]) => {
    const name = `${role}'s socket`;
    const wrong = wrongWith(path);
    if (wrong === undefined) return { name, state: "ok", fact: path, path };
    const advice = "The daemon publishes it again within half a minute; else `iopipectl daemon stop`.";
    return { name, state: "problem", fact: `${path} ${wrong}`, path, advice };
  });
}

function wrongWith(path: string): string | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return "is missing";
  if (!stat.isSocket()) return "is no socket";
  if (process.getuid !== undefined && stat.uid !== process.getuid()) return `belongs to user ${stat.uid}`;
  return (stat.mode & 0o077) === 0 ? undefined : `has mode ${(stat.mode & 0o777).toString(8)}`;
}

function daemonFileOf(locations: Locations, { instance }: Status): Finding {
  const { daemonFile: path } = locations;
  const name = "daemon.json";
  const named = readDaemonFile(locations);
  if (named?.instance === instance) return { name, state: "ok", fact: path, path };
  const fact = named
    ? `${path} names another daemon, process ${named.pid}, than the one that answers`
    : `${path} is missing or cannot be read`;
  const advice = "The daemon writes it again within half a minute; clients of other login sessions need it.";
  return { name, state: "warning", fact, path, advice };
}

/** Of a daemon that does not run any more. */
function leftBehind(locations: Locations): Finding[] {
  const { daemonFile: path } = locations;
  if (!existsSync(path)) return [];
  const name = "daemon.json";
  const named = readDaemonFile(locations);
  if (named === undefined) {
    const fact = `${path} cannot be read as a daemon's`;
    return [{ name, state: "warning", fact, path, advice: `Run \`rm ${path}\`.` }];
  }
  return [isRunning(named) ? foreign(named, path) : dangling(named, path)];
}

function foreign({ pid }: DaemonFile, path: string): Finding {
  const fact = `${path} names process ${pid}, which runs and does not answer: it is stopping, or another program by now`;
  const advice = `See \`ps -p ${pid}\`; the next command starts a daemon where none holds the state.`;
  return { name: "daemon.json", state: "warning", fact, path, advice };
}

function dangling({ pid }: DaemonFile, path: string): Finding {
  const fact = `${path} names process ${pid}, which is gone: it was killed`;
  const advice = "Nothing: the next command starts a daemon, which recovers what it left.";
  return { name: "daemon.json", state: "warning", fact, path, advice };
}

function isRunning({ pid }: DaemonFile): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function watching(root: string, { state, warnings }: { state: string; warnings: string[] }): Finding {
  return {
    name: `watching ${root}`,
    state: "warning",
    fact: [state, ...warnings].join("; "),
    path: root,
    ...(state === "suspended" && { advice: "It goes on when the directory is back." }),
  };
}
