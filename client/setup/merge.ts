/**
 * Lines into the text of a configuration file. A bundle of its own, loaded by path: it alone carries a parser of JSON with
 * comments, and no other verb pays for it.
 */
import type { Lines } from "./form.ts";
import { mergeJson } from "./merge-json.ts";
import { mergeToml } from "./merge-toml.ts";

/**
 * `text` with the lines in it, everything else byte for byte as it was; the same text where they are all there.
 *
 * @throws {IopipeError} Conflict where what is there cannot be added to
 */
export function merge(text: string, lines: Lines, path: string): string {
  return lines.form === "json" ? mergeJson(text, lines.set, path) : mergeToml(text, lines.sections, path);
}
