/**
 * What git fast-import(1) reads to make two commits of an operation: its files as they were, and as they became.
 * Owns the format and the commits' messages. Pure but for the blobs.
 */
import type { Image } from "../../protocol/methods/index.ts";
import { ancestorsOf } from "../disk/index.ts";
import type { Blobs, OperationFileRow, OperationRow } from "../store/index.ts";

export interface Snapshot {
  readonly ref: string;
  /** The commit that the first one follows; undefined where there is none yet. */
  readonly parent: string | undefined;
  /** Of the root in the repository: empty, or ending in a slash. */
  readonly prefix: string;
  readonly operation: OperationRow;
  readonly files: readonly OperationFileRow[];
  readonly blobs: Blobs;
}

/**
 * Asks what the commit has at the directories of the files: comes back on git's standard output, a line each.
 * Source: git-fast-import(1), "ls".
 */
export async function* gitlinkStream({ parent, prefix, files }: Snapshot): AsyncGenerator<Uint8Array> {
  const directories = new Set(files.flatMap(({ path }) => ancestorsOf(prefix + path)));
  if (parent !== undefined)
    for (const directory of directories) yield Buffer.from(`ls ${parent} ${quoted(directory)}\n`);
  yield Buffer.from("done\n");
}

/** The second commit's name comes back on git's standard output. */
export async function* snapshotStream(snapshot: Snapshot): AsyncGenerator<Uint8Array> {
  const { ref, parent, operation, files } = snapshot;
  const title = operation.title ?? `iopipe ${operation.kind}`;
  yield commit(ref, operation, `Before: ${title}`, 1, parent);
  yield* contents(
    snapshot,
    files.map(({ path, before }) => [path, before]),
  );
  yield commit(ref, operation, title, 2, ":1");
  yield* contents(
    snapshot,
    files.map(({ path, after }) => [path, after]),
  );
  yield Buffer.from("get-mark :2\ndone\n");
}

function commit(
  ref: string,
  { id, session, agent, endedAt, startedAt }: OperationRow,
  title: string,
  mark: number,
  from: string | undefined,
): Buffer {
  const trailers = Object.entries({ Operation: id, Session: session, Agent: agent });
  const lines = trailers.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${flat(value)}\n`],
  );
  // No clock of git's is before 1970.
  const seconds = Math.max(0, Math.floor(Date.parse(endedAt ?? startedAt) / 1000));
  return Buffer.concat([
    Buffer.from(`commit ${ref}\nmark :${mark}\ncommitter iopipe <iopipe@localhost> ${seconds} +0000\n`),
    data(Buffer.from(`${flat(title)}\n\n${lines.join("")}`)),
    Buffer.from(from === undefined ? "" : `from ${from}\n`),
  ]);
}

/** Deletions first: a file may have to go for a directory of its name. */
async function* contents(
  { prefix, blobs }: Snapshot,
  images: readonly (readonly [path: string, image: Image])[],
): AsyncGenerator<Uint8Array> {
  for (const [path, image] of images) if (!image.exists) yield Buffer.from(`D ${quoted(prefix + path)}\n`);
  for (const [path, image] of images) {
    if (!image.exists) continue;
    const entry = Buffer.from(`M ${modeOf(image)} inline ${quoted(prefix + path)}\n`);
    if (image.type === "symlink") {
      yield Buffer.concat([entry, data(Buffer.from(image.target as string))]);
      continue;
    }
    yield Buffer.concat([entry, Buffer.from(`data ${image.size}\n`)]);
    yield* blobs.pieces(image.hash as string);
    yield Buffer.from("\n");
  }
}

function modeOf({ type, mode = 0 }: Image): string {
  if (type === "symlink") return "120000";
  return mode & 0o100 ? "100755" : "100644";
}

function data(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from("\n")]);
}

function flat(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").trim();
}

/** As C has strings; paths have no NUL. Source: git-fast-import(1), "filemodify". */
function quoted(path: string): string {
  return `"${path.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}
