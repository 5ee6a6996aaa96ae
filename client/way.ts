/**
 * The way of a write: staged by the daemon, or a plain file where iopipe is switched off or a layer catches it.
 * Owns the one rule that every way in asks (safeWrite, the MCP server, the hook), so that none invents another.
 * INVARIANT: there is no fourth answer. Where none of the three holds it is an error; nobody falls back to a plain write.
 * Fails with what connecting says (no daemon, a sandbox's no), WorkspaceNotFound where no open workspace has the path.
 */
import { relative, resolve } from "node:path";
import type { Workspace } from "../protocol/methods/index.ts";
import { IopipeError } from "../protocol/wire/errors.ts";
import type { Connection } from "./connection.ts";
import { behindLinks, isInside, nearest, realPlace } from "./enclosing.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** A plain write. `file` is absolute, its directory by its real name. */
export type PlainWay = { readonly file: string } & (
  | {
      /** Below the root of an `iopipectl run` that this process is in: its layer catches the write. */
      readonly way: "layer";
      readonly root: string;
    }
  | {
      readonly way: "plain";
      /** Who switched it off: the variable, `iopipectl disable`, or the flag of a trusted policy. */
      readonly because: "IOPIPE_DISABLE" | "disabled" | "io_pipeline_v1";
    }
);

/** A staged write: `path` as `patch/stage` takes it. */
export interface StagedWay {
  readonly way: "staged";
  readonly workspace: Workspace;
  readonly path: string;
}

export type Way = PlainWay | StagedWay;

/**
 * The way of a write to `path`, which counts from the working directory. `connected` is called only where a daemon must be asked.
 *
 * @throws {IopipeError} WorkspaceNotFound where no open workspace has it; RootGone; what `connected` throws
 */
export async function wayOf(
  path: string,
  connected: () => Promise<Connection>,
  env: Environment = process.env,
): Promise<Way> {
  const file = realPlace(absolute(path));
  const byEnvironment = wayOfEnvironment(file, env);
  if (byEnvironment !== undefined) return byEnvironment;
  const connection = await connected();
  const workspace = nearest(await openWorkspaces(connection), file);
  if (workspace === undefined) {
    // A link from elsewhere may lead into one.
    const behind = behindLinks(file);
    if (behind === file) throw outside(file);
    return await wayOf(behind, connected, env);
  }
  const because = await switchedOff(connection, workspace);
  if (because !== undefined) return { way: "plain", because, file };
  return { way: "staged", workspace, path: relative(workspace.root, file) };
}

/** The way of `file` (absolute, its realPlace()) as far as the environment decides it; undefined where a daemon must be asked. */
export function wayOfEnvironment(
  file: string,
  { IOPIPE_LAYER: layer, IOPIPE_DISABLE: disable }: Environment = process.env,
): PlainWay | undefined {
  const root = layer && realPlace(absolute(layer));
  if (root && isInside(root, file)) return { way: "layer", root, file } as const;
  return disable === "1" ? ({ way: "plain", because: "IOPIPE_DISABLE", file } as const) : undefined;
}

/** Every open workspace. */
export async function openWorkspaces(connection: Pick<Connection, "call">): Promise<Workspace[]> {
  const { workspaces } = await connection.call("workspace/list", { limit: 1000 });
  return workspaces;
}

/** By whom a workspace is switched off; undefined where it is on. The flag counts as all that loosens: once trusted. */
export async function switchedOff(
  connection: Pick<Connection, "call">,
  { id, disabled }: Workspace,
): Promise<"disabled" | "io_pipeline_v1" | undefined> {
  if (disabled) return "disabled";
  const { policy } = await connection.call("workspace/policy", { workspace: id });
  return policy?.trusted && policy.rules?.io_pipeline_v1 === false ? "io_pipeline_v1" : undefined;
}

/** resolve() would take `..` away, whatever it leads to. */
function absolute(path: string): string {
  return path.startsWith("/") ? path : `${resolve()}/${path}`;
}

function outside(file: string): IopipeError {
  return new IopipeError("WorkspaceNotFound", `${file} is in no workspace that the daemon serves.`, {
    path: file,
    hint: "Open its directory with `iopipectl open DIR`, or set IOPIPE_DISABLE=1 to write without iopipe.",
  });
}
