/**
 * One value into a JSON text with comments, without a change of any other character but a comma.
 * (jsonc-parser's own edits format the neighbours anew, and put a line in front of the comment behind the last one.)
 * The text must be a JSON object; the path's containers are objects, but for the last of an element.
 */
import { createScanner, findNodeAtLocation, type Node, parseTree } from "jsonc-parser";

/** Sets the value at `path`: in the place of what is there, or as a new last member with the objects that it needs. */
export function insertMember(text: string, path: readonly (string | number)[], value: unknown): string {
  const tree = parseTree(text, [], { allowTrailingComma: true }) as Node;
  const there = findNodeAtLocation(tree, [...path]);
  if (there) {
    const written = write(text, value, indentAt(text, there.offset));
    return text.slice(0, there.offset) + written + text.slice(there.offset + there.length);
  }
  const depth = path.findIndex((_, at) => findNodeAtLocation(tree, path.slice(0, at + 1)) === undefined);
  const parent = findNodeAtLocation(tree, path.slice(0, depth)) as Node;
  const [name, ...inner] = path.slice(depth);
  const nested = inner.reduceRight<unknown>((member, key) => ({ [key]: member }), value);
  return append(text, parent, (indent) => `${JSON.stringify(name)}: ${write(text, nested, indent)}`);
}

/** Adds an element to the end of the array at `path`. */
export function appendElement(text: string, path: readonly string[], element: unknown): string {
  const tree = parseTree(text, [], { allowTrailingComma: true }) as Node;
  const array = findNodeAtLocation(tree, [...path]) as Node;
  const last = array.children?.at(-1);
  const isOneLine = !text.slice(array.offset, array.offset + array.length).includes("\n");
  if (last && isOneLine && typeof element === "string") {
    const end = last.offset + last.length;
    return `${text.slice(0, end)}, ${JSON.stringify(element)}${text.slice(end)}`;
  }
  return append(text, array, (indent) => write(text, element, indent));
}

/** Adds an entry in front of a container's closing bracket, behind the comments of the last one. */
function append(text: string, container: Node, entry: (indent: string) => string): string {
  const outer = indentAt(text, container.offset);
  const last = container.children?.at(-1);
  const lastLine = last && indentAt(text, last.offset);
  const indent = lastLine !== undefined && lastLine.length > outer.length ? lastLine : outer + unitOf(text);
  const close = container.offset + container.length - 1;
  const end = last ? last.offset + last.length : container.offset + 1;
  const between = text.slice(end, close);
  const hasComma = last !== undefined && startsWithComma(between);
  const kept = between.trimEnd();
  const gap = between.slice(kept.length);
  const comma = last && !hasComma ? "," : "";
  const eol = endOfLine(text);
  const behind = (hasComma ? "," : "") + (gap.includes("\n") ? gap : eol + outer);
  return text.slice(0, end) + comma + kept + eol + indent + entry(indent) + behind + text.slice(close);
}

/** Whether a comma comes first, comments apart. */
function startsWithComma(text: string): boolean {
  const scanner = createScanner(text, true);
  scanner.scan();
  return text[scanner.getTokenOffset()] === ",";
}

function write(text: string, value: unknown, indent: string): string {
  const oneLine = (array: string): string =>
    array.replaceAll(/(\[)?\n\s*/g, (_, open) => open ?? " ").replace(/ \]$/, "]");
  const lines = JSON.stringify(value, null, unitOf(text)).replaceAll(TEXTS, oneLine);
  return lines.replaceAll("\n", endOfLine(text) + indent);
}

/** An array of texts alone, as JSON.stringify writes it in lines; it is written in one. */
const TEXTS = /\[\n(\s*"(?:[^"\\]|\\.)*",?\n)+\s*\]/g;

/** The blanks at the beginning of the line of `offset`. */
function indentAt(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
  return line.replace(/[^ \t].*/s, "");
}

/** By which the text is indented. */
function unitOf(text: string): string {
  return /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
}

export function endOfLine(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}
