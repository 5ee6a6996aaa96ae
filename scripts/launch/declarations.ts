/**
 * Type declarations of the published library: the .d.ts files of what package.json's `exports` reach, and no more.
 * Owns the compiler's flags for that. Types are not checked here (`npm run check` does), so that a type error
 * somewhere never keeps a checkout from being installed.
 */

import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

/** Writes the declarations of `sources` and of all that they import under `outDir`, in folders as under `root`. */
export async function declarations(root: string, outDir: string, sources: readonly string[]): Promise<void> {
  const project = path.join(outDir, "tsconfig.json");
  const compilerOptions = {
    noEmit: false,
    noCheck: true,
    declaration: true,
    emitDeclarationOnly: true,
    rewriteRelativeImportExtensions: true,
    rootDir: root,
    outDir,
    typeRoots: [path.join(root, "node_modules/@types")],
  };
  const files = sources.map((source) => path.join(root, source));
  await writeFile(
    project,
    JSON.stringify({ extends: path.join(root, "tsconfig.json"), compilerOptions, files, include: [] }),
  );
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  await promisify(execFile)(process.execPath, [tsc, "-p", project]).catch((error: { stdout?: string }) => {
    throw new Error(`tsc could not write the declarations.\n${error.stdout ?? ""}`, { cause: error });
  });
  await rm(project);
}
