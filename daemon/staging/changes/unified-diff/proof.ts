/**
 * What the `index` line of a diff proves: whether a content is the one that the diff was made from, by git's id.
 * Hashed in pieces; the loop turns in between.
 */
import { createHash } from "node:crypto";
import type { Pace } from "../../pace.ts";

/** `base`: it is that content; `other`: it is not; `unknown`: the diff does not say. */
export type Proof = "base" | "other" | "unknown";

/** Digits of an id that say enough: git itself abbreviates to no fewer. */
const LEAST_DIGITS = 7;

/** Digits of whole ids, by git's hash. */
const SHA1_DIGITS = 40;
const SHA256_DIGITS = 64;

/** Bytes hashed between two looks at the time. */
const PIECE = 1024 * 1024;

/** `id`: git's id of the old content, whole or abbreviated. */
export async function proofOf(bytes: Buffer, id: string | undefined, pace: Pace): Promise<Proof> {
  if (id === undefined || id.length < LEAST_DIGITS || /^0+$/.test(id)) return "unknown";
  return (await hasId(bytes, id, pace)) ? "base" : "other";
}

/** Whether `id` is or begins git's id of `bytes`, by either of git's hashes. */
export async function hasId(bytes: Buffer, id: string, pace: Pace): Promise<boolean> {
  if (id.length <= SHA1_DIGITS && (await idOf(bytes, "sha1", pace)).startsWith(id)) return true;
  return id.length !== SHA1_DIGITS && (await idOf(bytes, "sha256", pace)).startsWith(id);
}

/** Whether an id is whole, as `git diff --binary` and `--full-index` write it. */
export function isWholeId(id: string): boolean {
  return id.length === SHA1_DIGITS || id.length === SHA256_DIGITS;
}

async function idOf(bytes: Buffer, algorithm: "sha1" | "sha256", pace: Pace): Promise<string> {
  const hash = createHash(algorithm).update(`blob ${bytes.length}\0`);
  for (let at = 0; at < bytes.length; at += PIECE) {
    await pace();
    hash.update(bytes.subarray(at, at + PIECE));
  }
  return hash.digest("hex");
}
