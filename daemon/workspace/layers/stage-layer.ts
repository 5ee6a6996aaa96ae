/**
 * Staging a layer as it stands: its reading, compared with what was staged of it before, becomes patches.
 * Owns the order, and the limit of size. A path that the layer no longer differs in is taken back, one that nobody wrote
 * to since it was staged is left alone: a reviewer may have decided on it meanwhile, or rebased it.
 */
import { existsSync } from "node:fs";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { keptHint } from "../../../protocol/wire/room.ts";
import { openTree } from "../../disk/index.ts";
import {
  type LayerPlace,
  readCopy,
  readGitLayers,
  readUpper,
  type Standing,
  type Unstaged,
} from "../../layer/index.ts";
import { startPace } from "../../staging/index.ts";
import type { LayerRow, SessionRow } from "../../store/index.ts";
import type { Asking, House } from "../house.ts";
import type { OpenWorkspace } from "../opened.ts";
import { changedOutside } from "./changed-outside.ts";

export interface StageLayerOptions {
  /** Whether the command has ended. */
  readonly isOver: boolean;
  readonly maxBytes?: number | undefined;
  readonly by?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Asking["progress"] | undefined;
}

export interface StagedLayer {
  /** What differs and no patch can say. */
  readonly unstaged: readonly Unstaged[];
  /** What somebody else has changed too: its patches are stale. */
  readonly conflicted: readonly string[];
}

/** @throws {IopipeError} TooLarge; what staging and the disk throw. The layer is as it was, and so is the session. */
export async function stageLayer(
  house: Pick<House, "store" | "staging" | "workspaces">,
  row: LayerRow,
  place: LayerPlace,
  { isOver, maxBytes = row.maxBytes, by, signal, progress }: StageLayerOptions,
): Promise<StagedLayer> {
  const { store, staging } = house;
  // Somebody has removed it: there is nothing left to lose.
  if (!existsSync(place.directory)) return { conflicted: [], unstaged: [] };
  const session = store.sessions.require(row.session);
  const workspace = house.workspaces.find(session.workspace);
  const { tree, watch } = workspace;
  const from = openTree(row.backend === "copy" ? place.copy : place.upper);
  const { standing, unstaged: left } =
    row.backend === "copy"
      ? await readCopy(from, tree, place, { isOver })
      : await readUpper(from, tree, { namespace: ownNamespace(), isOver, pace: startPace() });
  const unstaged = [...left, ...(await readGitLayers(place))];
  refuseTooLarge(session.id, standing, maxBytes);

  const before = store.layers.staged(session.id);
  const stamps = new Map(standing.map(({ path, stamp }) => [path, stamp]));
  const fresh = standing.filter(({ path, stamp }) => before.get(path) !== stamp);
  const back = [...before.keys()].filter((path) => !stamps.has(path));
  if (standing.length + back.length === 0) return { conflicted: [], unstaged };
  const isOutside = await changedOutside(watch, row, isOver, signal);
  const { unread } = await staging.takeOver(session, tree, {
    from,
    standing: fresh.map((each) => ({ ...each, isContested: isOutside(each) })),
    ...{ back, by, signal, progress },
  });
  // What could not be read is looked at again.
  for (const { path } of unread) stamps.delete(path);
  if (fresh.length + back.length > 0) store.layers.setStaged(session.id, stamps);
  // What was staged already and changed outside after that: the watch may not have told of it yet.
  if (isOver) await settle(house, workspace, session, standing.filter(isOutside));
  const stale = store.patches.unsettledOf(session.id).filter(({ reason }) => reason === "stale");
  return { conflicted: stale.map(({ path }) => path), unstaged: [...unstaged, ...unread] };
}

async function settle(
  { store, staging }: Pick<House, "store" | "staging">,
  { id, tree, write }: OpenWorkspace,
  session: SessionRow,
  outside: readonly Standing[],
): Promise<void> {
  const patches = store.patches.unsettledAt(
    id,
    outside.map(({ path }) => path),
  );
  await write(() =>
    staging.settleStale(
      tree,
      patches.filter((patch) => patch.session === session.id),
    ),
  );
}

/** Where an overlay keeps its own attributes. */
function ownNamespace(): "trusted" | "user" {
  return process.getuid?.() === 0 ? "trusted" : "user";
}

function refuseTooLarge(session: string, standing: readonly Standing[], limit: number): void {
  const bytes = standing.reduce((sum, { size }) => sum + size, 0);
  if (bytes <= limit) return;
  const files = `${standing.length} file${standing.length === 1 ? "" : "s"}`;
  const fact = `The command has changed ${bytes} bytes in ${files}; the limit is ${limit}.`;
  throw new IopipeError("TooLarge", fact, { session, limit, hint: keptHint(session) });
}
