/**
 * Content: turns what a caller wants written into changes that fit a frame, and reads files of any size back.
 * Owns the upload in chunks. What a change means is the daemon's.
 * Invariant: bytes are bytes; text is sent as text, everything else as base64 or as a blob.
 */
import type { Change, ChangeOf, Image } from "../protocol/methods/index.ts";
import { IopipeError } from "../protocol/wire/errors.ts";
import type { Connection } from "./connection.ts";
import type { CallOptions } from "./link.ts";

/** A write whose content may also be raw bytes. */
export type WriteInput = Omit<ChangeOf<"write">, "content"> & { content?: string | Uint8Array };

/** A change as SessionHandle.stage() takes it. */
export type ChangeInput = Exclude<Change, { kind: "write" }> | WriteInput;

/** Content of one call that goes inline, in bytes of its frame, which holds 16 MiB; what comes after goes as blobs. */
const INLINE_BYTES = 6 * 1024 * 1024;
/** Raw bytes of one blob/write and of one file/read: the daemon takes 5 ms for such a frame, in which others wait. */
const CHUNK_BYTES = 1024 * 1024;

/** Makes changes of inputs: uploads what does not fit inline. */
export async function toChanges(
  connection: Connection,
  inputs: readonly ChangeInput[],
  options: CallOptions,
): Promise<Change[]> {
  let left = INLINE_BYTES;
  const changes: Change[] = [];
  for (const input of inputs) {
    const large = largeOf(input);
    if (!large) {
      changes.push(input as Change);
      continue;
    }
    const { rest, bytes, inline } = large;
    const fields = bytes.length > left ? undefined : inline();
    // A control character takes six bytes as JSON: a file of them would burst the frame.
    const size = fields ? Buffer.byteLength(JSON.stringify(fields)) : Number.POSITIVE_INFINITY;
    const fits = fields && size <= left;
    if (fits) left -= size;
    const given = fits ? fields : { blob: await upload(connection, bytes, options) };
    changes.push({ ...rest, ...given } as Change);
  }
  return changes;
}

/** What of a change may be too large for a frame: a file's content, or a diff. */
interface Large {
  /** The change without it. */
  readonly rest: object;
  readonly bytes: Uint8Array;
  /** The fields that carry it in the frame. */
  readonly inline: () => object;
}

function largeOf(input: ChangeInput): Large | undefined {
  if (input.kind === "write" && input.content !== undefined) {
    const { content, ...rest } = input;
    const bytes = bytesOf(content);
    const inline = () => (typeof content === "string" ? { content } : { contentBase64: base64(bytes) });
    return { rest, bytes, inline };
  }
  if (input.kind !== "unifiedDiff") return undefined;
  const { text, textBase64, ...rest } = input;
  // Both at once, or neither, is the daemon's to refuse.
  if ((text === undefined) === (textBase64 === undefined)) return undefined;
  if (text !== undefined) return { rest, bytes: Buffer.from(text), inline: () => ({ text }) };
  return { rest, bytes: Buffer.from(textBase64 as string, "base64"), inline: () => ({ textBase64 }) };
}

/** Of any view, whatever the size of its elements: programs give what `fs.writeFile` takes. */
function bytesOf(content: string | ArrayBufferView): Uint8Array {
  if (typeof content === "string") return Buffer.from(content);
  if (ArrayBuffer.isView(content))
    return new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  throw new IopipeError("InvalidParams", "The content is neither text nor bytes.", {
    param: "content",
    hint: "Give a string, a Buffer or another view of an ArrayBuffer.",
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}

/**
 * Uploads bytes in chunks and gives the blob's id, their sha256 in hex. `Change.blob` takes it.
 *
 * An upload that fails half-way leaves nothing that could be named.
 */
async function upload(connection: Connection, bytes: Uint8Array, options: CallOptions = {}): Promise<string> {
  let id: string | undefined;
  let offset = 0;
  do {
    const data = Buffer.from(bytes.subarray(offset, offset + CHUNK_BYTES)).toString("base64");
    const begun = id === undefined ? {} : { upload: id };
    ({ upload: id } = await connection.call("blob/write", { ...begun, offset, data }, options));
    offset += CHUNK_BYTES;
    options.onProgress?.({ phase: "upload", done: Math.min(offset, bytes.length), total: bytes.length });
  } while (offset < bytes.length);
  const hash = await sha256(bytes);
  const { blob } = await connection.call("blob/commit", { upload: id, hash }, options);
  return blob;
}

/** A file as a session sees it. */
export interface FileContent {
  readonly bytes: Buffer;
  readonly image: Image;
  readonly origin: "staged" | "disk";
}

/**
 * Reads a whole file, in pieces where it is large.
 *
 * @throws {IopipeError} Stale when it changed while it was read; TooLarge from 2 GiB on; FileNotFound, NotAFile, PathEscape.
 */
export async function readWhole(
  connection: Connection,
  session: string,
  path: string,
  options: CallOptions,
): Promise<FileContent> {
  const pieces: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const params = { session, path, offset, length: CHUNK_BYTES, encoding: "base64" as const };
    const { content, image, origin } = await connection.call("file/read", params, options);
    refuseTooLarge(path, image);
    const piece = Buffer.from(content, "base64");
    pieces.push(piece);
    offset += piece.length;
    const whole = offset >= (image.size ?? 0);
    if (!whole && piece.length > 0) continue;
    const bytes = Buffer.concat(pieces);
    const changed = pieces.length > 1 && (await sha256(bytes)) !== image.hash;
    if (changed) throw new IopipeError("Stale", `${path} changed while it was read.`, { path });
    return { bytes, image, origin };
  }
}

/** Node hashes and writes no more than that in one piece. */
const MAX_WHOLE_BYTES = 2 ** 31 - 1;

function refuseTooLarge(path: string, { size = 0 }: Image): void {
  if (size <= MAX_WHOLE_BYTES) return;
  throw new IopipeError(
    "TooLarge",
    `${path} has ${size} bytes; at most ${MAX_WHOLE_BYTES} are read at once.`,
    {
      path,
      hint: "Read it in pieces: `iopipectl rpc file/read` takes offset and length.",
    },
  );
}

/** Hex; the module is loaded late, because most calls need none and it costs a start some milliseconds. */
async function sha256(bytes: Uint8Array): Promise<string> {
  const { createHash } = await import("node:crypto");
  return createHash("sha256").update(bytes).digest("hex");
}
