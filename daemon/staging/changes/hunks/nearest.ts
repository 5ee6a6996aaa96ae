/** Where a hunk that fits nowhere was probably meant, for the message only. */
import type { Lines } from "../../diff/lines.ts";
import { type Nearest, nearestLine } from "../nearest.ts";
import { contentOf, type Hunk } from "./hunk.ts";
import { bytesOf } from "./text.ts";

/** Of a hunk's old lines, and of their bytes, what is looked at. */
const MAX_LINES = 100;
const MAX_BYTES = 4096;

export function nearestTo({ bytes }: Lines, hunk: Hunk): Nearest | undefined {
  const old = [...hunk.old.subarray(0, MAX_LINES)].map((line) => bytesOf(contentOf(hunk, line)));
  return nearestLine(bytes, Buffer.concat(old).subarray(0, MAX_BYTES).toString());
}
