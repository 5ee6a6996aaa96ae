/**
 * The project's package.json as the bundles see it: name and version, and nothing of its dependencies or scripts.
 * An esbuild plugin; only the file at the root is cut, packages' own manifests are left alone.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Plugin } from "esbuild";

export function ownName(root: string): Plugin {
  const manifest = path.join(root, "package.json");
  return {
    name: "own-name",
    setup(build) {
      build.onLoad({ filter: /package\.json$/ }, async (file) => {
        if (file.path !== manifest) return undefined;
        const { name, version } = JSON.parse(await readFile(manifest, "utf8")) as Record<string, unknown>;
        return { contents: JSON.stringify({ name, version }), loader: "json" };
      });
    },
  };
}
