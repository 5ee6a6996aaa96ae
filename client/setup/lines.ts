/** Lines of a configuration file as data, and their way into a file's text, in either form. */
import { mergeJson } from "./merge-json.ts";
import { mergeToml } from "./merge-toml.ts";

/** One place of a JSON file. */
export type JsonSetting = { readonly path: readonly string[] } & (
  | {
      readonly value: unknown;
      /** Leave what is there. */
      readonly onlyNew?: true;
    }
  | {
      /** Of the array at `path`, at its end, where it is not among its elements yet. */
      readonly element: unknown;
    }
);

/** Of TOML only whole tables, whose values JSON and TOML write alike: texts and arrays of texts. */
export type TomlSections = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export type Lines =
  | { readonly form: "json"; readonly set: readonly JsonSetting[] }
  | { readonly form: "toml"; readonly sections: TomlSections };

/**
 * `text` with the lines in it, everything else byte for byte as it was; the same text where they are all there.
 *
 * @throws {IopipeError} Conflict where what is there cannot be added to
 */
export function merge(text: string, lines: Lines, path: string): string {
  return lines.form === "json" ? mergeJson(text, lines.set, path) : mergeToml(text, lines.sections, path);
}
