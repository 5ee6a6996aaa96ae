/**
 * `npm run build`: makes dist/ from the sources, in about two seconds.
 * Owns dist/ as a whole: everything is built beside it and then swapped in, so that a failed build leaves the old
 * dist/ and a running process never meets half of one. The parts are in launch/.
 */

import { existsSync } from "node:fs";
import { cp, mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { bundle } from "./launch/bundle.ts";
import { declarations } from "./launch/declarations.ts";
import { ENTRIES } from "./launch/entries.ts";

const root = path.dirname(import.meta.dirname);
const dist = path.join(root, "dist");
const fresh = path.join(root, `node_modules/.iopipe-dist-${process.pid}`);
const old = `${fresh}-old`;

const entries = ENTRIES.filter(({ source }) => {
  const exists = existsSync(path.join(root, source));
  if (!exists) console.error(`build: ${source} is missing, so its part of dist/ is left out.`);
  return exists;
});
const libraries = entries.filter(({ kind }) => kind === "library").map(({ source }) => source);

try {
  await mkdir(fresh, { recursive: true });
  await Promise.all([
    bundle(root, fresh, entries),
    declarations(root, fresh, libraries),
    cp(path.join(root, "daemon/staging/syntax/grammars"), path.join(fresh, "grammars"), { recursive: true }),
  ]);
  if (existsSync(dist)) await rename(dist, old);
  await rename(fresh, dist);
} finally {
  await Promise.all([fresh, old].map((directory) => rm(directory, { recursive: true, force: true })));
}
