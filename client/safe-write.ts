/**
 * safeWrite: one call in the place of `fs.writeFile`, for code that writes into trees which people review.
 * Owns what the two share: paths and options as `fs.writeFile` takes them. Which way a write goes is way.ts, the plain
 * durable write atomic.ts, and its session and connection are those that are named, else the process's own.
 * INVARIANT: the file is staged, or written whole and durably, or neither: then there is an error. It replaces a whole
 * file, and makes the directories that are missing above it: at once where it is plain, else when it is applied. It
 * does not append.
 */
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { IopipeError } from "../protocol/wire/errors.ts";
import type { Connection } from "./connection.ts";
import { withConnection } from "./own-connection.ts";
import { type PlainWay, type StagedWay, wayOf } from "./way.ts";

/** What `fs.writeFile` takes, and where the write is staged and as whose. */
export interface SafeWriteOptions {
  /** Of a string; default UTF-8. */
  readonly encoding?: BufferEncoding | null | undefined;
  /** Permission bits, of a file that exists too; default its own, else 0666 without the umask. */
  readonly mode?: number | undefined;
  /** No other: a whole file is replaced. */
  readonly flag?: "w" | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The session that it is staged in. Default: IOPIPE_SESSION's, else the pending one of `key`. */
  readonly session?: string | undefined;
  /** As `session/open` takes it, unguessable best. Default: one of this process, so that all it writes is reviewed together. */
  readonly key?: string | undefined;
  /** Of a session that is opened; default the program's name. */
  readonly title?: string | undefined;
  /** Who writes, for whoever reviews. */
  readonly agent?: string | undefined;
  /** A remark beside this file's patch. */
  readonly note?: string | undefined;
  /** Default: one of the library's own, as a proposer, for as long as calls are under way. */
  readonly connection?: Connection | undefined;
}

/** The way that a write took. */
export type SafeWritten = PlainWay | Staged;

interface Staged extends StagedWay {
  /** The session's id. */
  readonly session: string;
  /** The patch's id; absent where the file has that content already. */
  readonly patch?: string;
}

/**
 * Writes a file: staged where a daemon serves its workspace; plainly, durably and atomically where iopipe is switched
 * off (IOPIPE_DISABLE=1, `iopipectl disable`, a trusted policy's `io_pipeline_v1: false`) or an `iopipectl run` around
 * this process catches it. The answer says which. A daemon is started when none runs; no workspace is opened.
 *
 * @throws {IopipeError} WorkspaceNotFound, AccessDenied in a sandbox, what patch/stage says, …: nothing was written. In
 * a plain way, what `fs.writeFile` throws: the file is as it was.
 */
export async function safeWrite(
  file: string | URL,
  data: string | Uint8Array,
  options: SafeWriteOptions | BufferEncoding = {},
): Promise<SafeWritten> {
  const asked = typeof options === "string" ? { encoding: options } : options;
  refuseFlag(asked);
  const path = typeof file === "string" ? file : fileURLToPath(file);
  return await withConnection(asked.connection, async (connected) => {
    const way = await wayOf(path, connected);
    asked.signal?.throwIfAborted();
    if (way.way !== "staged") return await writePlainly(way, data, asked);
    return await stage(await connected(), way, data, asked);
  });
}

function refuseFlag({ flag = "w" }: SafeWriteOptions): void {
  if (flag === "w") return;
  throw new IopipeError(
    "InvalidParams",
    `safeWrite: the flag ${JSON.stringify(flag)} is not one of its own.`,
    {
      param: "flag",
      hint: 'It replaces whole files ("w"): read the file and add to it, or stage an edit.',
    },
  );
}

async function writePlainly(
  way: PlainWay,
  data: string | Uint8Array,
  { encoding, mode }: SafeWriteOptions,
): Promise<PlainWay> {
  // Loaded late: most writes are staged.
  const { writeFileAtomic } = await import("./atomic.ts");
  // `file` is by its directory's real name: what is made above it lies below the same root.
  await writeFileAtomic(way.file, data, { mode, encoding: encoding ?? undefined, parents: true });
  return way;
}

async function stage(
  connection: Connection,
  way: StagedWay,
  data: string | Uint8Array,
  options: SafeWriteOptions,
): Promise<Staged> {
  const { encoding, mode, note, signal } = options;
  const session = await sessionOf(connection, way, options);
  const isText = typeof data !== "string" || !encoding || /^utf-?8$/i.test(encoding);
  const content = isText ? data : Buffer.from(data, encoding);
  const extra = { ...(mode !== undefined && { mode }), ...(note !== undefined && { note }) };
  const change = { kind: "write", path: way.path, content, ...extra } as const;
  const { patches } = await connection.session(session).stage([change], { signal });
  const patch = patches[0]?.id;
  return { ...way, session, ...(patch !== undefined && { patch }) };
}

/** The script as a person knows it; Node's own name says nothing. */
function ownName(): string {
  return basename(process.argv[1] || process.title);
}

/** Of this process: what it writes is one session, for as long as that is pending. */
let ownKey: string | undefined;

async function sessionOf(
  connection: Connection,
  { workspace }: StagedWay,
  { session, key, title = `Written by ${ownName()}`, agent }: SafeWriteOptions,
): Promise<string> {
  const named = session ?? (process.env.IOPIPE_SESSION || undefined);
  if (named !== undefined) {
    await refuseForeign(connection, named, workspace.root, workspace.id);
    return named;
  }
  ownKey ??= `safeWrite ${crypto.randomUUID()}`;
  const opened = await connection.openSession({
    workspace: workspace.id,
    title,
    key: key ?? ownKey,
    ...(agent !== undefined && { agent }),
  });
  return opened.id;
}

/** Of sessions that were named; it never changes. */
const workspaceOf = new Map<string, string>();

/** A path means something only in its own workspace. */
async function refuseForeign(connection: Connection, session: string, root: string, workspace: string) {
  const known = workspaceOf.get(session) ?? (await connection.session(session).get()).session.workspace;
  workspaceOf.set(session, known);
  if (known === workspace) return;
  throw new IopipeError("InvalidParams", `Session ${session} is of another workspace than ${root}.`, {
    param: "session",
    hint: `Name a session of ${root}, or none: then one is opened there.`,
  });
}
