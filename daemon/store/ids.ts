/** Ids: opaque and random, so that knowing one is owning it; the first letter names the kind, for people. */
import { randomBytes } from "node:crypto";

export type IdKind = "w" | "s" | "p" | "o";

/** A new id with 96 random bits. */
export function newId(kind: IdKind): string {
  return kind + randomBytes(12).toString("hex");
}

/** Now, as times are stored and sent. */
export function now(): string {
  return new Date().toISOString();
}
