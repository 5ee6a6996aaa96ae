/** What `npm ci` writes in a project like this one: its packages of many small files, without the large binaries. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const NODE_MODULES = join(import.meta.dirname, "../../../node_modules");
const LARGEST_BYTES = 5e6;

let found: readonly string[] | undefined;

/** Absolute paths of the directories in this project's node_modules that are not large. */
export function smallPackages(): readonly string[] {
  found ??= readdirSync(NODE_MODULES)
    .filter((name) => !name.startsWith("."))
    .map((name) => join(NODE_MODULES, name))
    .filter((directory) => sizeOf(directory) < LARGEST_BYTES);
  return found;
}

function sizeOf(directory: string): number {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}
