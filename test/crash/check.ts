/**
 * The verdict on one point: what a restart finds, makes of it, and says, against what the files are.
 * Owns the promises in checkable form. Each violation is a sentence.
 */
import { isDeepStrictEqual } from "node:util";
import { openTree } from "../../daemon/disk/index.ts";
import { recover } from "../../daemon/promotion/index.ts";
import { type OperationRow, openStore, type Store } from "../../daemon/store/index.ts";
import { type Snapshot, snapshot } from "../acceptance/repository.ts";
import type { Answer } from "./driver.ts";
import type { Slot, Template } from "./slot.ts";

export interface Verdict {
  readonly violations: string[];
  /** Files of ours that were left after the restart. */
  readonly debris: number;
  /** Whether an answer was given while files of ours were still there (each in a journal, else it is a violation). */
  readonly sweptLate: boolean;
}

/** Restarts on `slot` after an action that began at `from`, and gave `answer` unless it was killed. */
export async function restartAndCheck(
  slot: Slot,
  from: Template,
  answer: Answer | undefined,
): Promise<Verdict> {
  const violations: string[] = [];
  const say = (violation: string): void => void violations.push(violation);
  const found = snapshot(slot.root);
  const store = openStore(slot.state);
  try {
    const workspace = store.workspaces.opened()[0]?.id as string;
    const named = journalled(store, workspace);
    for (const name of ours(found)) if (!named.has(name)) say(`${name} is in no journal`);
    const tree = openTree(slot.root, [slot.state]);
    await recover({ workspace, tree, store });

    const now = snapshot(slot.root);
    const to: Template = from === "pending" ? "applied" : "pending";
    const happened = isDeepStrictEqual(now, slot.trees[to]);
    if (!happened && !isDeepStrictEqual(now, slot.trees[from]))
      say(
        `the tree is neither: ${difference(now, slot.trees[from])}; and ${difference(now, slot.trees[to])}`,
      );
    const debris = ours(now).length;
    if (debris > 0) say(`left behind: ${ours(now).join(", ")}`);
    if (store.operations.openJournals(workspace).length > 0) say("a journal is open");
    for (const violation of told(store, workspace, from, happened)) say(violation);
    for (const violation of kept(answer, withoutOurs(found), slot.trees[from], slot.trees[to], happened))
      say(violation);
    if ((await recover({ workspace, tree, store })).length > 0) say("recovering again found something to do");
    return { violations, debris, sweptLate: answer !== undefined && ours(found).length > 0 };
  } finally {
    store.close();
  }
}

/** The paths of files of ours that open journals name. */
function journalled(store: Store, workspace: string): Set<string> {
  const files = store.operations.openJournals(workspace).flatMap((row) => row.files);
  return new Set(files.flatMap(({ temporary, backup }) => [temporary ?? "", backup ?? ""]));
}

const isOurs = (name: string): boolean => name.includes(".iopipe-");
const ours = (tree: Snapshot): string[] => Object.keys(tree).filter(isOurs);
const withoutOurs = (tree: Snapshot): Snapshot =>
  Object.fromEntries(Object.entries(tree).filter(([name]) => !isOurs(name)));

/** What the log and the patches say. */
function told(store: Store, workspace: string, from: Template, happened: boolean): string[] {
  const rows = store.operations.list({ workspace }, { limit: 10 });
  const known = from === "pending" ? 0 : 1;
  const newest: OperationRow | undefined = rows.length > known ? rows[0] : undefined;
  const phase = newest?.phase ?? "aborted";
  const violations: string[] = [];
  if (phase !== (happened ? "applied" : "aborted")) violations.push(`the log says ${phase}`);
  if (rows.length > known + 1) violations.push(`the log has ${rows.length} operations`);
  const [session] = store.sessions.list({ workspace }, { limit: 1 });
  const states = store.patches.ofSession(session?.id ?? "").map(({ state, reason }) => reason ?? state);
  const wanted = from === "pending" ? (happened ? "Applied" : "Pending") : happened ? "undone" : "Applied";
  if (states.length !== 8 || states.some((state) => state !== wanted))
    violations.push(`the patches are ${[...new Set(states)].join(" and ")}, not 8 times ${wanted}`);
  return violations;
}

/** What was answered is so at once, and stays so. */
function kept(
  answer: Answer | undefined,
  live: Snapshot,
  old: Snapshot,
  fresh: Snapshot,
  happened: boolean,
): string[] {
  if (!answer || answer.unfinished || (answer.phase === undefined && answer.threw === undefined)) return [];
  const saidSo = answer.phase === "applied";
  const said = answer.phase ?? answer.threw;
  const violations: string[] = [];
  if (saidSo !== happened)
    violations.push(`answered ${said}, but the tree ${happened ? "has" : "has not"} changed`);
  if (!isDeepStrictEqual(live, saidSo ? fresh : old))
    violations.push(`answered ${said} while the tree was otherwise`);
  return violations;
}

function difference(actual: Snapshot, expected: Snapshot): string {
  const names = new Set([...Object.keys(actual), ...Object.keys(expected)]);
  const differing = [...names].filter((name) => actual[name] !== expected[name]);
  return differing.map((name) => `${name} is ${JSON.stringify(actual[name] ?? "absent")}`).join(", ");
}
