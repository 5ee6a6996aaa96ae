/**
 * Framing: bytes of a stream to messages and back, for both framings that one socket carries.
 * Owns the split into frames and the limit on their size. What is in a frame (JSON, JSON-RPC) is its caller's.
 * Invariants: the framing is told by the first byte that is not blank and kept; a frame is decoded whole, never
 * per chunk (a chunk may end inside a UTF-8 sequence); at most one frame plus one chunk is held in memory.
 * Source: LSP base protocol.
 */
import { IopipeError } from "./errors.ts";

export type Framing = "lines" | "headers";

const NEWLINE = 0x0a;
const BLANKS = new Set([0x20, 0x09, 0x0d, NEWLINE]);
const FIRST_BYTES = new Map<number, Framing>([
  ["{".charCodeAt(0), "lines"],
  ["[".charCodeAt(0), "lines"],
  ["C".charCodeAt(0), "headers"],
]);

/** Headers longer than this are not headers. */
const MAX_HEADER_BYTES = 4096;

/** One step of decoding: a frame's bytes, or the error after which the stream is of no more use. */
export type Decoded = { readonly frame: Buffer } | { readonly error: IopipeError };

/**
 * Splits a byte stream into frames.
 *
 * After an error nothing more comes out: the caller answers it and closes.
 */
export class FrameDecoder {
  /** Known after the first byte. */
  framing: Framing | undefined;
  readonly #maxFrameBytes: number;
  #chunks: Buffer[] = [];
  #heldBytes = 0;
  /** In the headers framing: length of the body under way. */
  #bodyBytes: number | undefined;
  #failed = false;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Takes the next bytes of the stream and yields what they complete. */
  *push(chunk: Buffer): Generator<Decoded> {
    let rest = chunk;
    while (rest.length > 0 && !this.#failed) {
      if (this.framing === undefined) {
        rest = skipBlanks(rest);
        if (rest.length === 0) return;
        this.framing = FIRST_BYTES.get(rest[0] as number);
        if (this.framing === undefined) {
          yield this.#fail("ParseError", "The connection does not begin with `{`, `[` or `Content-Length`.");
          return;
        }
      }
      if (this.framing === "lines") rest = yield* this.#pushLine(rest);
      else if (this.#bodyBytes === undefined) rest = yield* this.#pushHeader(rest);
      else rest = yield* this.#pushBody(rest, this.#bodyBytes);
    }
  }

  /** Takes the end of the stream: a last line needs no newline. */
  *end(): Generator<Decoded> {
    if (this.#failed || this.framing !== "lines" || this.#heldBytes === 0) return;
    const frame = this.#take();
    if (skipBlanks(frame).length > 0) yield { frame };
  }

  *#pushLine(bytes: Buffer): Generator<Decoded, Buffer> {
    const end = bytes.indexOf(NEWLINE);
    const part = end === -1 ? bytes : bytes.subarray(0, end);
    if (this.#heldBytes + part.length > this.#maxFrameBytes) {
      yield this.#tooLarge(this.#heldBytes + part.length);
      return EMPTY;
    }
    this.#hold(part);
    if (end === -1) return EMPTY;
    const frame = this.#take();
    if (skipBlanks(frame).length > 0) yield { frame };
    return bytes.subarray(end + 1);
  }

  *#pushHeader(bytes: Buffer): Generator<Decoded, Buffer> {
    this.#hold(bytes);
    const held = this.#take();
    const end = held.indexOf("\r\n\r\n");
    if (end === -1 || end > MAX_HEADER_BYTES) {
      if (held.length > MAX_HEADER_BYTES) yield this.#fail("ParseError", "The header has no end.");
      else this.#hold(held);
      return EMPTY;
    }
    const length = contentLength(held.toString("latin1", 0, end));
    if (length === undefined) {
      yield this.#fail("ParseError", "The header has no valid Content-Length.");
      return EMPTY;
    }
    if (length > this.#maxFrameBytes) {
      yield this.#tooLarge(length);
      return EMPTY;
    }
    this.#bodyBytes = length;
    const body = held.subarray(end + 4);
    return body.length === 0 && length === 0 ? yield* this.#pushBody(body, length) : body;
  }

  *#pushBody(bytes: Buffer, length: number): Generator<Decoded, Buffer> {
    const missing = length - this.#heldBytes;
    this.#hold(bytes.subarray(0, missing));
    if (this.#heldBytes === length) {
      this.#bodyBytes = undefined;
      yield { frame: this.#take() };
    }
    return bytes.subarray(missing);
  }

  #hold(part: Buffer): void {
    if (part.length === 0) return;
    this.#chunks.push(part);
    this.#heldBytes += part.length;
    // A stream cut into single bytes must not hold one object per byte.
    if (this.#chunks.length > 1024) this.#chunks = [Buffer.concat(this.#chunks)];
  }

  #take(): Buffer {
    const [first = EMPTY] = this.#chunks;
    const whole = this.#chunks.length <= 1 ? first : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#heldBytes = 0;
    return whole;
  }

  #fail(kind: "ParseError" | "FrameTooLarge", message: string, extra = {}): Decoded {
    this.#failed = true;
    this.#take();
    return { error: new IopipeError(kind, message, extra) };
  }

  #tooLarge(bytes: number): Decoded {
    const limit = this.#maxFrameBytes;
    return this.#fail("FrameTooLarge", `A frame of at least ${bytes} bytes passes the limit of ${limit}.`, {
      limit,
    });
  }
}

const EMPTY = Buffer.alloc(0);

function skipBlanks(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length && BLANKS.has(bytes[start] as number)) start++;
  return bytes.subarray(start);
}

function contentLength(header: string): number | undefined {
  for (const line of header.split("\r\n")) {
    const match = /^content-length:\s*(\d{1,15})\s*$/i.exec(line);
    if (match) return Number(match[1]);
  }
  return undefined;
}

/**
 * One message's bytes in `framing`. `json` holds no raw newline (JSON.stringify makes none).
 *
 * Content-Length is the first and only header: Emacs' jsonrpc.el looks for it within 100 bytes.
 */
export function encodeFrame(framing: Framing, json: string): string {
  const [head, end] = frameAround(framing, framing === "lines" ? 0 : Buffer.byteLength(json));
  return `${head}${json}${end}`;
}

/** What stands before and behind a message of `bytes`. */
export function frameAround(framing: Framing, bytes: number): readonly [head: string, end: string] {
  return framing === "lines" ? ["", "\n"] : [`Content-Length: ${bytes}\r\n\r\n`, ""];
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Parses one frame. Throws IopipeError (ParseError) when it is not UTF-8 or not JSON. */
export function parseFrame(frame: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(frame));
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : "it is not valid UTF-8";
    throw new IopipeError("ParseError", `The message cannot be parsed: ${reason}.`);
  }
}
