/**
 * Opening a layer: its session, its directory, its row, and how the command is to be started in it.
 * Failure: nothing of it is left but, at worst, an empty session, which expires.
 */
import type { LayerBackend } from "../../../protocol/methods/values.ts";
import { DEFAULT_ROOM_BYTES } from "../../../protocol/wire/room.ts";
import { openTree } from "../../disk/index.ts";
import {
  GIT_FINDS_ABOVE,
  identityOfProcess,
  layerPlace,
  makeCopy,
  makeGitLayers,
  makeLayer,
  type Own,
  outsideGit,
  removeLayer,
  startIn,
  startInCopy,
  type Unstaged,
} from "../../layer/index.ts";
import { openSession } from "../../staging/index.ts";
import type { SessionRow, Store } from "../../store/index.ts";
import type { Asking } from "../house.ts";
import type { OpenWorkspace } from "../opened.ts";
import type { ChosenBackend } from "./backend.ts";

export interface OpenOptions {
  /** Who is going to run the command. */
  readonly pid: number;
  readonly title?: string | undefined;
  readonly agent?: string | undefined;
  readonly trusted?: boolean | undefined;
  readonly backend?: LayerBackend | undefined;
  readonly maxBytes?: number | undefined;
  /** Directories below the root in which the command writes to the real tree. */
  readonly passThrough?: readonly string[] | undefined;
}

export interface OpenedLayer extends ChosenBackend {
  readonly session: SessionRow;
  /** Where the command finds the workspace. */
  readonly root: string;
  readonly start: string[];
  readonly env: Record<string, string>;
  /** The layer's own, and what the command may take of it. */
  readonly directory: string;
  readonly maxBytes: number;
  /** Git's directories outside the root that the layer does not cover. */
  readonly uncovered: readonly Unstaged[];
}

/** How long the watch may take to say what it has seen when a layer begins. */
const CLOCK_MS = 30_000;

export async function openLayer(
  { store, own }: { readonly store: Store; readonly own: Own },
  { id: workspace, root, tree, watch }: OpenWorkspace,
  options: OpenOptions & { readonly chosen: ChosenBackend; readonly passed: readonly string[] },
  asking: Asking,
): Promise<OpenedLayer> {
  const { pid, title = "", agent, trusted = false, chosen, maxBytes = DEFAULT_ROOM_BYTES, passed } = options;
  const isCopy = chosen.backend === "copy";
  const git = await gitOver(root, own, isCopy);
  const session = openSession(store, { workspace, title, agent, role: "reviewer", by: asking.by });
  const { id } = session;
  const place = layerPlace(own.stateDir, id);
  const clock = watch.clock();
  const beganNs = makeLayer(place, root);
  makeGitLayers(place, git.covered);
  const process = identityOfProcess(pid);
  store.layers.insert({ session: id, backend: chosen.backend, pid, process, beganNs, clock, maxBytes });
  // Not waited for; see changed-outside.ts.
  void watch
    .sync(undefined, CLOCK_MS)
    .then((settled) => store.layers.setSettledClock(id, settled.clock))
    .catch(() => undefined);
  if (isCopy) {
    asking.progress("copying", 0, 1);
    await makeCopy(tree, openTree(place.copy), place, asking.signal).catch(async (error) => {
      store.layers.remove(id);
      await removeLayer(place);
      throw error;
    });
  }
  const found = isCopy ? place.copy : root;
  const hidden = trusted ? undefined : own;
  return {
    ...{ session, ...chosen, root: found },
    start: isCopy ? startInCopy() : startIn({ id, root, place, pid, hidden, passed, git: git.covered }),
    ...{ directory: place.directory, maxBytes, uncovered: git.uncovered },
    env: {
      ...{ IOPIPE_SESSION: id, IOPIPE_LAYER: found },
      ...(!trusted && { IOPIPE_ROLE: "proposer" }),
      ...(git.uncovered.length === 0 && GIT_FINDS_ABOVE),
    },
  };
}

/** A copy covers none of them. */
async function gitOver(root: string, own: Own, isCopy: boolean): ReturnType<typeof outsideGit> {
  const git = await outsideGit(root, own);
  if (!isCopy) return git;
  const left = git.covered.map((path) => ({ path, reason: "this runs in a copy of the tree" }));
  return { covered: [], uncovered: [...left, ...git.uncovered] };
}
