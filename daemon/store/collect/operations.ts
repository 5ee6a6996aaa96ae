/**
 * Which operations are cleared: by their age, and beyond the budget, the oldest first.
 * What is cleared is what they need to be undone; that they happened is known for good: the log's rows stay.
 */
import type { Limits } from "../limits.ts";
import { ago, type Pass } from "./pass.ts";
import type { FileToCollect, OperationToCollect } from "./sql.ts";

/** Cleared with one commit. */
const AT_ONCE = 50;

interface Doomed {
  readonly operation: OperationToCollect;
  readonly hashes: readonly string[];
  readonly bytes: number;
  readonly reason: "age" | "budget";
}

/** Newest first: what is within the budget is known when the older ones are looked at. */
export function* clearOperations(pass: Pass): Generator<void> {
  const select = startSelection(pass);
  let doomed: Doomed[] = [];
  for (let at = Number.MAX_SAFE_INTEGER; ; ) {
    const page = pass.sql.operations.all(at);
    if (page.length === 0) break;
    for (const operation of page) {
      at = operation.n;
      if (operation.phase === "cleared") continue;
      doomed.push(...select(operation, yield* hashesOf(pass, operation)));
      if (doomed.length >= AT_ONCE) doomed = clear(pass, doomed);
      if (pass.isOver()) yield;
    }
  }
  clear(pass, doomed);
}

function* hashesOf({ sql, isOver }: Pass, operation: OperationToCollect): Generator<void, Set<string>> {
  const hashes = new Set<string>();
  for (let at = -1; ; ) {
    const page = sql.files.all(operation.id, at);
    const [last] = page.slice(-1);
    if (!last) return hashes;
    at = last.n;
    for (const file of page) for (const hash of neededOf(operation, file)) hashes.add(hash);
    if (isOver()) yield;
  }
}

/** Of one that was rolled back there is nothing to undo. */
function neededOf({ phase }: OperationToCollect, { before, after, rescued }: FileToCollect): string[] {
  const needed = phase === "aborted" ? [rescued] : [before, after, rescued];
  return needed.filter((hash) => hash !== null);
}

/** Asked of every operation in turn, newest first: gives those back that are to be cleared, and names what the others need. */
function startSelection(pass: Pass): (operation: OperationToCollect, hashes: Set<string>) => Doomed[] {
  const { limits, sql, cleared } = pass;
  /** Workspaces of which a newer one was looked at. */
  const seen = new Set<string>();
  let total = 0;
  let isFull = false;
  return (operation, hashes) => {
    let bytes = 0;
    for (const hash of hashes) if (!pass.isNamed(hash)) bytes += sql.sizeOf.get(hash) ?? 0;
    const stays = isNewest(operation, seen) || mustStay(pass, operation);
    isFull ||= !stays && total + bytes > limits.undoBytes;
    const reason = !stays && reasonFor(operation, limits, isFull);
    if (reason) {
      cleared.add(operation.id);
      return [{ operation, hashes: [...hashes], bytes, reason }];
    }
    total += bytes;
    pass.name([...hashes]);
    return [];
  };
}

const STANDS: readonly OperationToCollect["phase"][] = ["applied", "resolved", "attention"];
const CLEARABLE: readonly OperationToCollect["phase"][] = ["applied", "aborted", "resolved"];

function isNewest({ phase, workspace }: OperationToCollect, seen: Set<string>): boolean {
  if (!STANDS.includes(phase) || seen.has(workspace)) return false;
  seen.add(workspace);
  return true;
}

/** Until it is closed, and its files of ours are gone; and as long as what undid it can itself be undone. */
function mustStay({ sql, cleared }: Pass, { id, phase }: OperationToCollect): boolean {
  if (!CLEARABLE.includes(phase) || sql.hasNames.get(id) !== undefined) return true;
  return sql.undoers
    .all(id)
    .some((undo) => undo.phase !== "cleared" && undo.phase !== "aborted" && !cleared.has(undo.id));
}

function reasonFor({ ended_at }: OperationToCollect, limits: Limits, isFull: boolean) {
  if (ended_at !== null && ended_at < ago(limits.undoMs)) return "age";
  return isFull ? "budget" : undefined;
}

function clear(pass: Pass, doomed: readonly Doomed[]): [] {
  const { sql, cleared, dryRun, report } = pass;
  // An undo may have begun since they were selected.
  const kept = doomed.filter(({ operation }) => mustStay(pass, operation));
  for (const { operation, hashes } of kept) {
    cleared.delete(operation.id);
    pass.name(hashes);
  }
  const going = doomed.filter((one) => !kept.includes(one));
  if (!dryRun && going.length > 0)
    pass.essential(() => {
      for (const { operation } of going) {
        sql.clear.run(operation.id);
        sql.forgetKept.run(operation.id);
      }
    });
  for (const { operation, bytes, reason } of going) {
    const { id, workspace, title, ended_at } = operation;
    const told = { ...(title && { title }), ...(ended_at && { since: ended_at }) };
    report({ what: "operation", id, reason, workspace, bytes, ...told });
  }
  return [];
}
