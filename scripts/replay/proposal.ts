/**
 * A proposal: differences between two trees as the changes that an agent would stage.
 * Owns their order: changes of one call build on each other, so what is in another's way goes first.
 */
import { isUtf8 } from "node:buffer";
import type { ChangeInput } from "../../client/index.ts";
import { apart, type Delta, type Entry, isLink, isRename } from "./deltas.ts";

/** One change, and what it is part of. */
export interface Proposed {
  readonly change: ChangeInput;
  readonly delta: Delta;
}

/** Deletions, then renames, then everything else; a link goes before a file is written where it was, not through it. */
export function propose(deltas: readonly Delta[], contents: ReadonlyMap<string, Buffer>): Proposed[] {
  const removals = deltas.filter(({ from, to }) => from && (!to || (isLink(from) && !isLink(to))));
  return [
    ...removals.map((delta) => ({ change: remove(delta.from as Entry), delta })),
    ...deltas.filter(isRename).flatMap((delta) => rename(delta, contents)),
    ...deltas.filter((delta) => delta.to && !isRename(delta)).flatMap((delta) => put(delta, contents)),
  ];
}

function remove({ path }: Entry): ChangeInput {
  return { kind: "delete", path };
}

function rename(delta: Delta, contents: ReadonlyMap<string, Buffer>): Proposed[] {
  const { from, to } = delta as Required<Delta>;
  const change: ChangeInput = { kind: "rename", path: from.path, to: to.path };
  const isSame = from.oid === to.oid && from.mode === to.mode;
  return [{ change, delta }, ...(isSame ? [] : put(delta, contents))];
}

function put(delta: Delta, contents: ReadonlyMap<string, Buffer>): Proposed[] {
  const { from, to } = delta as Delta & { to: Entry };
  const { path } = to;
  const mode = to.mode === "100755" ? 0o755 : 0o644;
  if (from?.oid === to.oid && !isLink(from) && !isLink(to))
    return [{ change: { kind: "chmod", path, mode }, delta }];
  const bytes = contents.get(to.oid) as Buffer;
  if (isLink(to)) return [{ change: { kind: "symlink", path, target: bytes.toString() }, delta }];
  // Who makes a plain file says nothing of its mode, and who changes one keeps it.
  const saysMode = from && !isLink(from) ? from.mode !== to.mode : to.mode === "100755";
  const content = isUtf8(bytes) && !bytes.includes(0) ? bytes.toString() : bytes;
  return [{ change: { kind: "write", path, content, ...(saysMode && { mode }) }, delta }];
}

/**
 * Orders renames so that each finds its new path free, and takes those apart that are in each other's way
 * (`a` → `b/x` and `b` → `a/x`).
 */
export function inOrder(deltas: readonly Delta[]): Delta[] {
  const ordered = deltas.filter((delta) => !isRename(delta));
  let waiting = deltas.filter(isRename);
  while (waiting.length > 0) {
    const ready = waiting.filter(
      (delta) => !waiting.some((other) => other !== delta && isInTheWay(other, delta)),
    );
    const [first] = waiting;
    ordered.push(...(ready.length > 0 ? ready : apart(first as Delta)));
    waiting = waiting.filter((delta) => (ready.length > 0 ? !ready.includes(delta) : delta !== first));
  }
  return ordered;
}

function isInTheWay({ from }: Delta, { to }: Delta): boolean {
  const [old, wanted] = [`${from?.path}/`, `${to?.path}/`];
  return old.startsWith(wanted) || wanted.startsWith(old);
}
