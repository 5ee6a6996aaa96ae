/**
 * `node scripts/grammars.ts [--check]`: fetches the grammars of grammars/table.ts from the npm registry, compares them
 * with their hashes there, and writes them, compressed, into daemon/staging/syntax/grammars/ with their licences.
 * `--check` writes nothing and says whether what lies there is what the registry has.
 * To take a newer one: change its version in the table, run this, and put the hash that it complains of into the table.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, brotliDecompress, constants } from "node:zlib";
import { GRAMMARS, type Grammar } from "./grammars/table.ts";

const run = promisify(execFile);
const folder = path.resolve(import.meta.dirname, "../daemon/staging/syntax/grammars");
const check = process.argv.includes("--check");

interface Fetched {
  readonly wasm: Buffer;
  readonly licence: string;
}

/** What npm packs of `grammar`; npm itself verifies the package's integrity. */
async function fetchGrammar({ name, package: from, version }: Grammar): Promise<Fetched> {
  const directory = await mkdtemp(path.join(tmpdir(), "iopipe-grammar-"));
  try {
    const { stdout } = await run("npm", ["pack", `${from}@${version}`, "--pack-destination", directory]);
    const tarball = path.join(directory, stdout.trim().split("\n").at(-1) as string);
    await run("tar", ["-xzf", tarball, "-C", directory]);
    const unpacked = path.join(directory, "package");
    const licence = (await readdir(unpacked)).find((file) => /^licen[cs]e/i.test(file)) ?? "LICENSE";
    return {
      wasm: await readFile(path.join(unpacked, `tree-sitter-${name}.wasm`)),
      licence: await readFile(path.join(unpacked, licence), "utf8"),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function compress(wasm: Buffer): Promise<Buffer> {
  const { BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = constants;
  return promisify(brotliCompress)(wasm, {
    params: { [BROTLI_PARAM_LGWIN]: 24, [BROTLI_PARAM_SIZE_HINT]: wasm.length },
  });
}

const licences: string[] = [];
for (const grammar of GRAMMARS) {
  const file = path.join(folder, `${grammar.name}.wasm.br`);
  const { wasm, licence } = await fetchGrammar(grammar);
  const sha256 = createHash("sha256").update(wasm).digest("hex");
  if (sha256 !== grammar.sha256)
    throw new Error(`${grammar.package}@${grammar.version}: ${grammar.name}.wasm has ${sha256}.`);
  if (check && !(await promisify(brotliDecompress)(await readFile(file))).equals(wasm))
    throw new Error(
      `${file} is not what ${grammar.package}@${grammar.version} has; run this without --check.`,
    );
  if (!check) await writeFile(file, await compress(wasm));
  licences.push(`${grammar.name}.wasm is of ${grammar.package} ${grammar.version}:\n\n${licence.trim()}\n`);
  process.stdout.write(`${grammar.name} ${grammar.version} ${wasm.length} bytes\n`);
}
if (!check) await writeFile(path.join(folder, "LICENSES.txt"), licences.join(`\n${"-".repeat(72)}\n\n`));
