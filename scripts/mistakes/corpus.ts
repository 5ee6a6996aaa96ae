/** Real files by language: a fixed choice of those below some directories. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { languageOf } from "../../daemon/staging/syntax/language.ts";

export interface Sample {
  readonly file: string;
  readonly language: string;
  readonly text: string;
}

/** Of no use: binaries, other people's repositories' data, and what is not meant to be valid. */
const SKIPPED = /(^|\/)(\.git|fixtures?|__fixtures__|testdata|invalid|bad|broken|lib2to3|grammars)(\/|$)/i;
const [SMALLEST, LARGEST] = [300, 100_000];
/** A longer line is a machine's. */
const LONGEST_LINE = 400;

/** At most `count` of each language, below `roots`; the same ones while the files are the same. */
export async function chooseFiles(roots: readonly string[], count: number): Promise<Sample[]> {
  const byLanguage = new Map<string, string[]>();
  for (const root of roots.filter((each) => existsSync(each))) {
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const file = path.join(entry.parentPath, entry.name);
      const language = entry.isFile() && languageOf(path.relative(root, file))?.name;
      if (!language || SKIPPED.test(path.relative(root, file))) continue;
      byLanguage.set(language, [...(byLanguage.get(language) ?? []), file]);
    }
  }
  const chosen: Sample[] = [];
  for (const [language, files] of [...byLanguage].sort())
    chosen.push(...(await some(language, files, count)));
  return chosen;
}

async function some(language: string, files: readonly string[], count: number): Promise<Sample[]> {
  const order = (file: string) => createHash("sha256").update(file).digest("hex");
  const found = new Map<string, Sample>();
  for (const file of files.toSorted((a, b) => (order(a) < order(b) ? -1 : 1))) {
    if (found.size >= count) break;
    const { size } = await stat(file);
    if (size < SMALLEST || size > LARGEST) continue;
    const bytes = await readFile(file);
    const text = bytes.toString();
    // Not UTF-8, a machine's, or without a last newline, which most mutations would add.
    if (!Buffer.from(text).equals(bytes) || text.includes("\0") || !text.endsWith("\n")) continue;
    if (text.includes("\r") || text.split("\n").some((line) => line.length > LONGEST_LINE)) continue;
    found.set(text, { file, language, text });
  }
  return [...found.values()];
}
