/**
 * Whole tables at the end of a TOML file: nothing that is there is touched, and a table that is there already is not
 * added to, for TOML has no second one of a name.
 */
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { TomlSections } from "./form.ts";

/** @throws {IopipeError} Conflict where a table is there with other lines */
export function mergeToml(text: string, sections: TomlSections, path: string): string {
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  const missing = Object.entries(sections).filter(
    ([name, values]) => !has(text, name, linesOf(values), path),
  );
  if (missing.length === 0) return text;
  const added = missing.map(([name, values]) => [`[${name}]`, ...linesOf(values)].join(end));
  const before = text === "" || text.endsWith("\n") ? text : text + end;
  return [before, before === "" ? "" : end, added.join(end + end), end].join("");
}

/** Whether the table is there with all its lines. */
function has(text: string, name: string, wanted: readonly string[], file: string): boolean {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const start = lines.findIndex((line) => line.replaceAll(/[\s"']/g, "").startsWith(`[${name}]`));
  if (start >= 0) {
    const rest = lines.slice(start + 1);
    const length = rest.findIndex((line) => line.startsWith("["));
    const table = length < 0 ? rest : rest.slice(0, length);
    if (wanted.every((line) => table.includes(line))) return true;
  }
  // Its parent may have it in a line: `set = { … }`, or as a dotted key.
  const last = name.slice(name.lastIndexOf(".") + 1);
  const parent = name.slice(0, name.lastIndexOf("."));
  const inline = new RegExp(
    `^\\s*(${parent.replaceAll(".", "\\s*\\.\\s*")}\\s*\\.\\s*)?${last}\\s*[.=]`,
    "m",
  );
  if (start < 0 && !inline.test(text)) return false;
  throw new IopipeError("Conflict", `${file} has a table ${name} already, with other lines.`, {
    path: file,
    hint: "Add the lines by hand: `iopipectl setup AGENT --print` shows them.",
  });
}

/** Texts and arrays of texts are written in TOML as in JSON, but for two escapes that JSON does not make. */
function linesOf(values: TomlSections[string]): string[] {
  return Object.entries(values).map(([key, value]) => `${key} = ${written(value)}`);
}

function written(value: string | readonly string[]): string {
  return typeof value === "string"
    ? JSON.stringify(value)
    : `[${value.map((each) => JSON.stringify(each)).join(", ")}]`;
}
