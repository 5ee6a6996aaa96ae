/**
 * A process of its own that changes a tree at random: creates, writes, appends, saves atomically, renames files and
 * whole trees, deletes, changes modes and makes links. Arguments: root, seed, number of operations.
 * Operations that find nothing to work on count too.
 */

import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

const [root = "", seed = "1", operations = "100"] = process.argv.slice(2);
let state = Number(seed) * 2_654_435_761;

/** A number from 0 to below `n`. Source: mulberry32. */
function random(n: number): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) % n;
}

const name = (): string => `n${random(12)}`;

/** A path that may or may not exist, up to four levels deep. */
const anywhere = (): string => path.join(root, ...Array.from({ length: 1 + random(4) }, name));

function some(directory: string): string {
  const names = readdirSync(directory);
  return path.join(directory, names[random(Math.max(1, names.length))] ?? name());
}

const OPERATIONS: (() => void)[] = [
  () => {
    const file = anywhere();
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `${state}`);
  },
  () => writeFileSync(anywhere(), `${state}`),
  () => appendFileSync(anywhere(), `${state}`),
  () => {
    const file = anywhere();
    writeFileSync(`${file}.tmp`, `${state}`);
    renameSync(`${file}.tmp`, file);
  },
  () => renameSync(anywhere(), anywhere()),
  () => renameSync(some(root), path.join(root, name())),
  () => renameSync(some(some(root)), anywhere()),
  () => rmSync(anywhere(), { force: true }),
  () => rmSync(some(root), { recursive: true, force: true }),
  () => chmodSync(anywhere(), random(2) ? 0o644 : 0o755),
  () => symlinkSync(name(), anywhere()),
  () => mkdirSync(path.join(anywhere(), name(), name()), { recursive: true }),
];

for (let n = 0; n < Number(operations); n++) {
  try {
    // Deleting whole trees is rare, so that trees grow.
    const at = random(20);
    (OPERATIONS[at] ?? OPERATIONS[at % 3])?.();
  } catch {
    // Nothing there, something in the way, or a directory where a file was wanted.
  }
}
