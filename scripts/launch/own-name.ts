/**
 * The project's package.json as the bundles see it: its name, version and Node, and nothing of its dependencies or scripts.
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
        const { name, version, engines } = JSON.parse(await readFile(manifest, "utf8")) as Record<
          string,
          unknown
        >;
        return { contents: JSON.stringify({ name, version, engines }), loader: "json" };
      });
    },
  };
}
