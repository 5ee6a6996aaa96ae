/**
 * `GIT binary patch`: a file's new content, whole or as a delta to the old one, deflated and in base 85.
 * Bounded: nothing is inflated beyond the size that the diff declares, nor that beyond what can be worked on.
 * Source: git, apply.c (parse_binary, apply_binary_fragment).
 */
import { promisify } from "node:util";
import { inflate } from "node:zlib";
import { decodeLine } from "../../base85.ts";
import { PACE_LINES, type Pace } from "../../pace.ts";
import { assertSize } from "../../snapshots.ts";
import { isBlank } from "../hunks/hunk.ts";
import { applyDelta } from "./delta.ts";
import { malformed } from "./malformed.ts";
import { isEnd, lineAt, type Reader } from "./reader.ts";

export interface Payload {
  readonly kind: "literal" | "delta";
  /** Bytes when inflated, as declared. */
  readonly size: number;
  readonly deflated: Buffer;
  /** 0-based, of the diff. */
  readonly line: number;
}

const HEADER = /^(literal|delta) (\d+)$/;

/** Reads the payload behind `GIT binary patch`, and over the way back that may follow it. */
export async function parseBinary(reader: Reader, pace: Pace): Promise<Payload> {
  reader.at++;
  const forward = await parsePayload(reader, pace);
  if (!forward) throw malformed("A binary patch has no content", { line: reader.at });
  await parsePayload(reader, pace);
  return forward;
}

async function parsePayload(reader: Reader, pace: Pace): Promise<Payload | undefined> {
  const line = reader.at;
  const [, kind, size] = HEADER.exec(lineAt(reader, line)) ?? [];
  if (kind === undefined) return undefined;
  const lines: Buffer[] = [];
  let n = line + 1;
  for (; !isEnd(reader, n) && !isBlank(reader.text, n); n++) {
    if (n % PACE_LINES === 0) await pace();
    const bytes = decodeLine(lineAt(reader, n));
    if (!bytes) throw malformed("A binary patch has a line that is not git's base 85", { line: n });
    lines.push(bytes);
  }
  reader.at = isEnd(reader, n) ? n : n + 1;
  return { kind: kind as Payload["kind"], size: Number(size), deflated: Buffer.concat(lines), line };
}

/** The new content. @throws {IopipeError} PatchMalformed, TooLarge */
export async function applyBinary(payload: Payload, base: Buffer, path: string, pace: Pace): Promise<Buffer> {
  assertSize(path, payload.size);
  const bytes = await inflated(payload);
  if (payload.kind === "literal") return bytes;
  const result = await applyDelta(bytes, base, path, pace);
  if (!result) throw malformed(`The delta for ${path} does not fit its base`, { line: payload.line });
  return result;
}

async function inflated({ deflated, size, line }: Payload): Promise<Buffer> {
  try {
    // One byte more than declared, for 0 is no limit.
    const bytes = await promisify(inflate)(deflated, { maxOutputLength: size + 1 });
    if (bytes.length === size) return bytes;
  } catch {
    // Cut off, more than declared, or no zlib stream at all.
  }
  throw malformed(`A binary patch does not inflate to the ${size} bytes that it declares`, { line });
}
