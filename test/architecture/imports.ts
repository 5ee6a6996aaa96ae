/**
 * Reads the imports of TypeScript sources from their syntax tree: static and dynamic imports, re-exports, require
 * calls, and types named by `import("…")`.
 * Owns the parser. An import with types only inside its braces (`import { type A }`) counts as a value import, as it
 * does at run time under verbatimModuleSyntax.
 */

import { readFileSync } from "node:fs";
import { parseSync } from "oxc-parser";
import type { Import } from "./check.ts";

/** Reads the imports of `file`. */
export function importsOf(file: string): Import[] {
  return parseImports(file, readFileSync(file, "utf8"));
}

/** Lists the imports of `source`; `name` decides the dialect and appears in messages. */
export function parseImports(name: string, source: string): Import[] {
  const { program, errors } = parseSync(name, source);
  if (errors[0]) throw new Error(`${name}: ${errors[0].message}`);
  const found: Import[] = [];
  walk(program, (node) => {
    const one = importOf(node);
    if (!one) return;
    if (typeof one.specifier !== "string")
      throw new Error(`${name}: an import whose target is not a literal.`);
    found.push({ specifier: one.specifier, typeOnly: one.typeOnly });
  });
  return found;
}

type Node = Record<string, unknown>;

function importOf(node: Node): { specifier: unknown; typeOnly: boolean } | undefined {
  switch (node.type) {
    case "ImportDeclaration":
      return { specifier: literal(node.source), typeOnly: node.importKind === "type" };
    case "ExportAllDeclaration":
      return { specifier: literal(node.source), typeOnly: node.exportKind === "type" };
    case "ExportNamedDeclaration":
      return node.source
        ? { specifier: literal(node.source), typeOnly: node.exportKind === "type" }
        : undefined;
    case "ImportExpression":
      return isByPath(node.source) ? undefined : { specifier: literal(node.source), typeOnly: false };
    case "TSImportType":
      return { specifier: literal(node.source ?? node.argument), typeOnly: true };
    case "CallExpression":
      return isRequire(node)
        ? { specifier: literal((node.arguments as unknown[])[0]), typeOnly: false }
        : undefined;
    default:
      return undefined;
  }
}

/** `import(url.href)`: a bundle of its own is loaded by path; that it is one is held where the URL is made, by the build. */
function isByPath(source: unknown): boolean {
  const { type, property } = source as { type?: string; property?: { name?: unknown } };
  return type === "MemberExpression" && property?.name === "href";
}

/** `require("x")` and `require.resolve("x")`, which createRequire brings into an ES module. */
function isRequire({ callee }: Node): boolean {
  const { name, object } = callee as { name?: unknown; object?: { name?: unknown } };
  return name === "require" || object?.name === "require";
}

function literal(node: unknown): unknown {
  return (node as { value?: unknown; literal?: { value?: unknown } } | undefined)?.value;
}

function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
  } else if (value !== null && typeof value === "object") {
    const node = value as Node;
    if (typeof node.type === "string") visit(node);
    for (const key of Object.keys(node)) walk(node[key], visit);
  }
}
