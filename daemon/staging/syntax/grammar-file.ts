/**
 * The grammars' files, <name>.wasm.br in grammars/ beside this file, and beside the bundle in dist/: what
 * scripts/grammars.ts fetched, compressed by brotli to a seventeenth (2.3 MB for twenty).
 */
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";

/** The .wasm of a grammar. */
export async function readGrammar(name: string): Promise<Buffer> {
  return promisify(brotliDecompress)(await readFile(new URL(`./grammars/${name}.wasm.br`, import.meta.url)));
}
