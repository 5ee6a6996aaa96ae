/**
 * Which kind of layer this machine offers over a root: tried once, with a command that does nothing, and remembered
 * where it could be had.
 * INVARIANT: a copy, which confines nothing, is never taken for a command that is not trusted.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import type { LayerBackend } from "../../../protocol/methods/values.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { layerPlace, makeLayer, type Own, removeLayer, startIn } from "../../layer/index.ts";

interface Wanted {
  readonly backend?: LayerBackend | undefined;
  readonly trusted: boolean;
}

export interface ChosenBackend {
  readonly backend: LayerBackend;
  /** Why it is not an overlay, where that was not asked for. */
  readonly why?: string;
}

const TRY_MS = 10_000;

/** @throws {IopipeError} IllegalState where there is none that may be used */
export function chooseBackends(own: Own): (root: string, wanted: Wanted) => Promise<ChosenBackend> {
  const offered = new Set<string>();
  return async (root, { backend, trusted }) => {
    refuseAround(root, own);
    if (backend === "copy" && !trusted) throw unconfined("A copy does not confine a command.");
    if (backend === "copy") return { backend };
    const why = offered.has(root) ? undefined : await tryOverlay(root, own);
    if (why === undefined) offered.add(root);
    if (why === undefined) return { backend: "overlay" };
    if (backend === "overlay" || !trusted) throw unconfined(`No layer can be mounted over ${root}: ${why}`);
    return { backend: "copy", why };
  };
}

/** A layer cannot be in what it covers. */
function refuseAround(root: string, { stateDir }: Own): void {
  if (!`${stateDir}/`.startsWith(root === "/" ? root : `${root}/`)) return;
  throw new IopipeError("IllegalState", `The state directory ${stateDir} is in the workspace ${root}.`, {
    hint: "Keep the state elsewhere (IOPIPE_STATE_DIR), or open a directory below as a workspace.",
  });
}

/** Why no overlay can be had; undefined where one can. */
async function tryOverlay(root: string, own: Own): Promise<string | undefined> {
  const id = `try-${randomUUID()}`;
  const place = layerPlace(own.stateDir, id);
  try {
    makeLayer(place, root);
    const [program = "", ...args] = startIn({ id, root, place, pid: process.pid, hidden: own });
    await promisify(execFile)(program, [...args, "/", "true"], { cwd: "/", timeout: TRY_MS });
    return undefined;
  } catch (error) {
    const { stderr = "", message } = error as Error & { stderr?: string };
    return stderr.trim().split("\n").at(-1) || message;
  } finally {
    await removeLayer(place);
  }
}

function unconfined(fact: string): IopipeError {
  return new IopipeError("IllegalState", fact, {
    hint: "With --trusted the command runs in a copy of the tree, where nothing keeps it from the real one.",
  });
}
