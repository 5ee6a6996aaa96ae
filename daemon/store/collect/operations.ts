/**
 * Which operations are cleared: by their age, and beyond the budget, the oldest first.
 * What is cleared is what they need to be undone; that they happened is known for good: the log's rows stay.
 */
import type { Pass } from "./pass.ts";
import type { FileToCollect, OperationToCollect } from "./sql.ts";

/** Cleared with one commit. */
const AT_ONCE = 25;

/** The sizes of contents, by their hashes. */
type Contents = Map<string, number>;

interface Doomed {
  readonly operation: OperationToCollect;
  readonly contents: Contents;
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
      doomed.push(...select(operation, yield* contentsOf(pass, operation)));
      if (doomed.length >= AT_ONCE) doomed = clear(pass, doomed);
      if (pass.isOver()) yield;
    }
  }
  clear(pass, doomed);
}

function* contentsOf(pass: Pass, operation: OperationToCollect): Generator<void, Contents> {
  const contents: Contents = new Map();
  for (let at = -1; ; ) {
    const page = pass.sql.files.all(operation.id, at);
    const [last] = page.slice(-1);
    if (!last) return contents;
    at = last.n;
    for (const file of page) addNeeded(pass, operation, file, contents);
    if (pass.isOver()) yield;
  }
}

/** Of one that was rolled back there is nothing to undo, of a mode that changed the store may have no content. */
function addNeeded(
  { sql }: Pass,
  { phase }: OperationToCollect,
  file: FileToCollect,
  contents: Contents,
): void {
  const { before, after, rescued, beforeSize, afterSize } = file;
  const stored = (hash: string): number => sql.sizeOf.get(hash) ?? 0;
  if (rescued !== null) contents.set(rescued, stored(rescued));
  if (phase === "aborted") return;
  const isSame = before === after;
  if (before !== null) contents.set(before, isSame ? stored(before) : (beforeSize ?? 0));
  if (after !== null && !isSame) contents.set(after, afterSize ?? 0);
}

/** Asked of every operation in turn, newest first: gives those back that are to be cleared, and names what the others need. */
function startSelection(pass: Pass): (operation: OperationToCollect, contents: Contents) => Doomed[] {
  const { limits, cleared } = pass;
  /** Workspaces of which a newer one was looked at. */
  const seen = new Set<string>();
  let total = 0;
  let isFull = false;
  return (operation, contents) => {
    let bytes = 0;
    for (const [hash, size] of contents) if (!pass.isNamed(hash)) bytes += size;
    const stays = isNewest(operation, seen) || mustStay(pass, operation);
    isFull ||= !stays && total + bytes > limits.undoBytes;
    const reason = !stays && reasonFor(pass, operation, isFull);
    if (reason) {
      cleared.add(operation.id);
      return [{ operation, contents, bytes, reason }];
    }
    total += bytes;
    pass.name(contents.keys());
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

function reasonFor({ before }: Pass, { ended_at }: OperationToCollect, isFull: boolean) {
  if (ended_at !== null && ended_at < before.undo) return "age";
  return isFull ? "budget" : undefined;
}

function clear(pass: Pass, doomed: readonly Doomed[]): [] {
  const { sql, cleared, dryRun, report } = pass;
  // An undo may have begun since they were selected.
  const kept = doomed.filter(({ operation }) => mustStay(pass, operation));
  for (const { operation, contents } of kept) {
    cleared.delete(operation.id);
    pass.name(contents.keys());
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
