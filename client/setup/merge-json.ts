/** Settings into a JSON file with comments: which are missing, and what stands in their way. */
import { isDeepStrictEqual } from "node:util";
import { type ParseError, parse, printParseErrorCode } from "jsonc-parser";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { JsonSetting, Known } from "./form.ts";
import { appendElement, endOfLine, insertMember } from "./insert-json.ts";

const BOM = "\ufeff";

/** @throws {IopipeError} Conflict where the file is no JSON object, or something else stands in the way */
export function mergeJson(text: string, settings: readonly JsonSetting[], path: string): string {
  const bom = text.startsWith(BOM) ? BOM : "";
  const body = text.slice(bom.length);
  const start = body.trim() === "" ? `{}${endOfLine(body)}` : body;
  return bom + settings.reduce((now, setting) => withSetting(now, setting, path), start);
}

function withSetting(text: string, setting: JsonSetting, file: string): string {
  const there = valueAt(readObject(text, file), setting.path, file);
  if ("value" in setting) {
    if (isDeepStrictEqual(there, setting.value) || (setting.onlyNew && there !== undefined)) return text;
    return insertMember(text, setting.path, setting.value);
  }
  if (there === undefined) return insertMember(text, setting.path, [setting.element]);
  if (!Array.isArray(there)) throw inTheWay(file, setting.path);
  const known = setting.known ? knownIn(there, setting.path, setting.known) : [];
  if (setting.known && known.length > 0) return completed(text, known, setting.known);
  if (there.some((element) => isDeepStrictEqual(element, setting.element))) return text;
  return appendElement(text, setting.path, setting.element);
}

type Place = (string | number)[];

/** The texts in `value`, which is at `path`, by which an element is known. */
function knownIn(value: unknown, path: Readonly<Place>, known: Known): [Place, string][] {
  if (typeof value === "string")
    return path.at(-1) === known.key && known.text.test(value) ? [[[...path], value]] : [];
  if (typeof value !== "object" || value === null) return [];
  const keyed = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return keyed.flatMap(([key, member]) => knownIn(member, [...path, key], known));
}

function completed(text: string, known: readonly [Place, string][], { ending }: Known): string {
  const lacking = known.filter(([, each]) => !each.endsWith(ending));
  return lacking.reduce((now, [path, each]) => insertMember(now, path, each + ending), text);
}

function readObject(text: string, file: string): unknown {
  const errors: ParseError[] = [];
  const parsed: unknown = parse(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error === undefined && isObject(parsed)) return parsed;
  const fact = error ? `${printParseErrorCode(error.error)} at character ${error.offset}` : "no object";
  throw new IopipeError("Conflict", `${file} cannot be added to: ${fact}.`, {
    path: file,
    hint: "Repair it first, or add the lines by hand: `iopipectl setup AGENT --print` shows them.",
  });
}

function valueAt(parsed: unknown, path: readonly string[], file: string): unknown {
  let at = parsed;
  for (const [depth, name] of path.entries()) {
    if (at === undefined) return undefined;
    if (!isObject(at)) throw inTheWay(file, path.slice(0, depth));
    at = Object.hasOwn(at, name) ? at[name] : undefined;
  }
  return at;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function inTheWay(file: string, path: readonly string[]): IopipeError {
  return new IopipeError("Conflict", `${file} has something else at ${path.join(".")}.`, {
    path: file,
    hint: "Add the lines by hand: `iopipectl setup AGENT --print` shows them.",
  });
}
