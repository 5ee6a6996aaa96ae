/** Lines of a configuration file as data, in either form. How they get into a file's text is merge.ts. */

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
      /** By which an element of an earlier version, or of the person's own making, is known. */
      readonly known?: Known;
    }
);

/** A text of `key`, anywhere in the elements: where one matches no other is added, and it gets the ending that it lacks. */
export interface Known {
  readonly key: string;
  readonly text: RegExp;
  readonly ending: string;
}

/** Of TOML only whole tables, whose values JSON and TOML write alike: texts and arrays of texts. */
export type TomlSections = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export type Lines =
  | { readonly form: "json"; readonly set: readonly JsonSetting[] }
  | { readonly form: "toml"; readonly sections: TomlSections };
