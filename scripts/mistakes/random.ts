/** Numbers that are random and the same at every run, for whoever is named. */
import { createHash } from "node:crypto";

/** Gives numbers from 0 up to `below`, the same ones for the same `name`. */
export function randomFor(name: string): (below: number) => number {
  let turn = 0;
  return (below) => {
    turn += 1;
    const digest = createHash("sha256").update(`${name} ${turn}`).digest();
    return digest.readUInt32LE(0) % below;
  };
}
