/**
 * Realistic pairs: files of installed packages, and what is left of them after a few edits.
 * Which packages are installed decides which files these are; the choice among them and the edits are always the same.
 */
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { editText } from "./edits.ts";
import { seeded } from "./random.ts";
import type { TextPair } from "./worst.ts";

const PACKAGES = join(import.meta.dirname, "../../../node_modules");

/** Bytes, from and below. */
const SIZES: Readonly<Record<string, readonly [number, number]>> = {
  "1 KB": [800, 1200],
  "10 KB": [8000, 12_000],
  "100 KB": [70_000, 140_000],
  "300 KB": [220_000, 400_000],
  "0.5 to 1 MB": [450_000, 1_020_000],
};

const FILES_EACH = 15;
const EDITS = [4, 10];

export interface Bucket {
  readonly size: string;
  readonly pairs: readonly TextPair[];
}

export function realisticPairs(): Bucket[] {
  const files = globSync("**/*.{js,mjs,cjs,ts,mts,cts,css,md,json}", { cwd: PACKAGES }).sort();
  const sized = files.map((file) => ({ file, bytes: statSync(join(PACKAGES, file)).size }));
  const random = seeded(1);
  return Object.entries(SIZES).map(([size, [from, below]]) => {
    const fitting = sized.filter(({ bytes }) => bytes >= from && bytes < below);
    const step = Math.max(1, fitting.length / FILES_EACH);
    const pairs = fitting
      .filter((_, n) => Math.floor(n / step) > Math.floor((n - 1) / step))
      .flatMap(({ file }) => {
        const old = readFileSync(join(PACKAGES, file), "utf8");
        return EDITS.map((count) => ({ name: file, old, now: editText(old, count, random) }));
      });
    return { size, pairs };
  });
}
