/**
 * The esbuild plugin that lets one source line name another entry from source and from dist/ alike:
 * `new URL("./child.ts", import.meta.url)` becomes `new URL("./watch-child.js", import.meta.url)`, and the launcher's
 * `import("./main.ts")` becomes `import("./daemon.js")`.
 * Fails the build when such a URL names a TypeScript file that is no entry, for then it would not exist in dist/.
 */

import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Plugin } from "esbuild";
import { ENTRIES } from "./entries.ts";

const URL_OF_SOURCE = /new URL\(\s*"(\.\.?\/[^"]+\.ts)",\s*import\.meta\.url,?\s*\)/g;

export function startedByPath(root: string): Plugin {
  const outOf = (directory: string, specifier: string): string => {
    const source = path.relative(root, path.resolve(directory, specifier)).replaceAll(path.sep, "/");
    const entry = ENTRIES.find((candidate) => candidate.source === source);
    if (!entry) throw new Error(`${source} is started by path but is no entry in scripts/launch/entries.ts`);
    return `./${entry.out}`;
  };
  return {
    name: "started-by-path",
    setup(build) {
      build.onResolve({ filter: /^\.\/main\.ts$/ }, ({ importer, resolveDir, path: specifier, kind }) =>
        kind === "dynamic-import" && path.relative(root, importer) === path.join("daemon", "iopiped.ts")
          ? { path: outOf(resolveDir, specifier), external: true }
          : undefined,
      );
      build.onLoad({ filter: /\.ts$/ }, async ({ path: file }) => {
        if (file.includes(`${path.sep}node_modules${path.sep}`)) return undefined;
        const source = await readFile(file, "utf8");
        if (!source.includes("import.meta.url")) return undefined;
        const contents = source.replace(
          URL_OF_SOURCE,
          (_, specifier: string) => `new URL("${outOf(path.dirname(file), specifier)}", import.meta.url)`,
        );
        return { contents, loader: "ts" };
      });
    },
  };
}
