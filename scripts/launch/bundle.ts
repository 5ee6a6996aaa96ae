/**
 * Bundling: turns the entries' sources into the files of an output directory.
 * Owns esbuild and its options. The table is entries.ts, type declarations are declarations.ts, and where the result
 * goes is build.ts.
 * Fails: throws esbuild's error after esbuild has printed it; what was written by then is incomplete.
 */

import { chmod, copyFile } from "node:fs/promises";
import path from "node:path";
import { type BuildOptions, build, type Metafile } from "esbuild";
import { cjsBanner, esmBanner, IMPORT_META_URL } from "./banner.ts";
import type { Entry } from "./entries.ts";
import { ownName } from "./own-name.ts";
import { startedByPath } from "./started-by-path.ts";

/** Bundles `entries` into `outDir`; the answer says which inputs and imports each output has. */
export async function bundle(root: string, outDir: string, entries: readonly Entry[]): Promise<Metafile> {
  const shared = {
    absWorkingDir: root,
    outdir: outDir,
    bundle: true,
    platform: "node",
    charset: "utf8",
    logLevel: "warning",
    metafile: true,
    plugins: [startedByPath(root), ownName(root)],
  } satisfies BuildOptions;
  const esm = {
    ...shared,
    format: "esm",
    target: "node22.14",
    packages: "external",
  } as const;
  const of = (kind: Entry["kind"]) => entries.filter((entry) => entry.kind === kind);

  const results = await Promise.all([
    ...of("launcher").map((entry) =>
      build({ ...esm, banner: { js: esmBanner(entry.binary ?? "") }, ...points([entry]) }),
    ),
    ...of("daemon").map((entry) => build({ ...shared, ...daemonOptions, ...points([entry]) })),
    // One build for all libraries: what two of them use (the error class above all) must exist once.
    build({ ...esm, splitting: true, chunkNames: "chunk-[hash]", ...points(of("library")) }),
    ...of("command").map((entry) =>
      build({
        ...shared,
        format: "cjs",
        // Old enough that any Node which meets this file can parse it and reach the version check.
        target: "node16",
        minify: true,
        keepNames: true,
        define: { "import.meta.url": IMPORT_META_URL },
        banner: { js: cjsBanner(entry.binary ?? "") },
        outExtension: { ".js": ".cjs" },
        ...points([entry]),
      }),
    ),
  ]);
  await Promise.all(
    of("script").map(({ source, out }) => copyFile(path.join(root, source), path.join(outDir, out))),
  );
  await Promise.all(
    entries.filter((entry) => entry.binary).map((entry) => chmod(path.join(outDir, entry.out), 0o755)),
  );
  return {
    inputs: Object.assign({}, ...results.map((result) => result.metafile.inputs)),
    outputs: Object.assign({}, ...results.map((result) => result.metafile.outputs)),
  };
}

/** Parsers: the child that loads them loads one when it is needed; some bring WASM, some do not bundle. */
const PARSERS = ["oxc-parser", "yaml", "smol-toml", "@vue/compiler-sfc", "web-tree-sitter"];

/** Native packages and parsers stay outside; the rest is bundled for a quick start, CommonJS packages with a `require` to use. */
const daemonOptions = {
  format: "esm",
  target: "node22.14",
  external: ["better-sqlite3", "@parcel/watcher", "koffi", ...PARSERS],
  // WORKAROUND: jsonc-parser's "main" is UMD, whose calls of its factory's `require` esbuild does not see.
  mainFields: ["module", "main"],
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
} satisfies BuildOptions;

function points(entries: readonly Entry[]): Pick<BuildOptions, "entryPoints"> {
  return {
    entryPoints: entries.map(({ source, out }) => ({ in: source, out: out.replace(/\.c?js$/, "") })),
  };
}
