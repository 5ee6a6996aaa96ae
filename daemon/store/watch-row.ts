/**
 * What the watch table holds of one path, and how it is stored: a path as its parent and its name, booleans as numbers.
 * Times: nanoseconds as decimal strings.
 */

export type RowKind = "file" | "symlink" | "directory" | "folded";

export interface WatchRow {
  readonly path: string;
  readonly kind: RowKind;
  /** Device, inode and birth time: another one is another file. */
  readonly identity: string;
  readonly size: number;
  readonly mtimeNs: string;
  readonly ctimeNs: string;
  /** Permission bits. */
  readonly mode: number;
  /** sha256 of the bytes (a symlink's target), where it is known to belong to these times. */
  readonly hash?: string | undefined;
  /** The file was written so shortly before it was looked at that equal times prove nothing. */
  readonly racy: boolean;
  readonly deleted: boolean;
  readonly seq: number;
  /** When the path was first known at all; no client of an older clock can know it. */
  readonly firstSeq: number;
  /** When this life of the path began, and when the one before began and ended (0: never). */
  readonly bornSeq: number;
  readonly earlierBornSeq: number;
  readonly earlierGoneSeq: number;
  readonly contentSeq: number;
  readonly modeSeq: number;
  readonly typeSeq: number;
  readonly origin: "external" | "iopipe";
  readonly operation?: string | undefined;
  /** Changes below an ignored directory that the last entry stands for. */
  readonly folded: number;
}

export function split(path: string): [parent: string, name: string] {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? ["", path] : [path.slice(0, slash), path.slice(slash + 1)];
}

export type Stored = Omit<WatchRow, "path" | "hash" | "racy" | "deleted" | "operation"> & {
  root: number;
  parent: string;
  name: string;
  hash: string | null;
  racy: number;
  deleted: number;
  operation: string | null;
};

export function toStored(root: number, { path, ...row }: WatchRow): Stored {
  const [parent, name] = split(path);
  return {
    ...row,
    root,
    parent,
    name,
    hash: row.hash ?? null,
    racy: row.racy ? 1 : 0,
    deleted: row.deleted ? 1 : 0,
    operation: row.operation ?? null,
  };
}

export function toRow({ root: _, parent, name, ...row }: Stored): WatchRow {
  return {
    ...row,
    path: parent === "" ? name : `${parent}/${name}`,
    hash: row.hash ?? undefined,
    racy: row.racy === 1,
    deleted: row.deleted === 1,
    operation: row.operation ?? undefined,
  };
}
