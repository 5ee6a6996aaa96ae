/** What differs between two trees, as git tells it, with its renames; and what of it a patch can be about. */
import { isUtf8 } from "node:buffer";
import type { Repository } from "./repository.ts";

/** A path of a tree. */
export interface Entry {
  /** As text; where it is not UTF-8, only for reading (see isSayable). */
  readonly path: string;
  readonly bytes: Buffer;
  /** As git writes it: 100644, 100755, 120000 or 160000. */
  readonly mode: string;
  readonly oid: string;
}

/** Made where there is no `from`, deleted where there is no `to`, renamed where their paths differ. */
export interface Delta {
  readonly from?: Entry;
  readonly to?: Entry;
}

export const isRename = ({ from, to }: Delta): boolean =>
  from !== undefined && to !== undefined && from.path !== to.path;
export const isLink = (entry: Entry | undefined): boolean => entry?.mode === "120000";
const isSubmodule = (entry: Entry | undefined): boolean => entry?.mode === "160000";

/** Whether the wire's paths, which are text, can name it. */
export const isSayable = ({ bytes }: Entry): boolean => isUtf8(bytes);

export const entriesOf = ({ from, to }: Delta): Entry[] => [from, to].filter((entry) => entry !== undefined);

/** A rename as a deletion and a creation; anything else as it is. */
export function apart(delta: Delta): Delta[] {
  const { from, to } = delta;
  return from && to && isRename(delta) ? [{ from }, { to }] : [delta];
}

/** Everything but the submodules, which go their own way; what one takes the place of is deleted. */
export function withoutSubmodules(deltas: readonly Delta[]): { files: Delta[]; submodules: Entry[] } {
  const submodules = deltas.flatMap(({ to }) => (to && isSubmodule(to) ? to : []));
  const files = deltas.flatMap(({ from, to }) => {
    if (!isSubmodule(to)) return [{ ...(from && { from }), ...(to && { to }) }];
    return from ? [{ from }] : [];
  });
  return { files, submodules };
}

/** The differences from one tree to another (or to a commit's). */
export async function differences(repository: Repository, from: string, to: string): Promise<Delta[]> {
  const raw = await repository.git(["diff-tree", "-r", "-M", "-z", "--raw", "--no-abbrev", from, to]);
  // latin1 keeps a path's bytes apart, whatever they are.
  const fields = raw.toString("latin1").split("\0");
  const deltas: Delta[] = [];
  for (let at = 0; fields[at]?.startsWith(":"); ) {
    const [oldMode = "", newMode = "", oldOid = "", newOid = "", status = ""] = (fields[at++] as string)
      .slice(1)
      .split(" ");
    const oldPath = fields[at++] as string;
    const newPath = status.startsWith("R") ? (fields[at++] as string) : oldPath;
    deltas.push({
      ...(!status.startsWith("A") && { from: entry(oldPath, oldMode, oldOid) }),
      ...(!status.startsWith("D") && { to: entry(newPath, newMode, newOid) }),
    });
  }
  return deltas;
}

function entry(latin1: string, mode: string, oid: string): Entry {
  const bytes = Buffer.from(latin1, "latin1");
  return { path: bytes.toString(), bytes, mode, oid };
}
