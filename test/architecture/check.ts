/**
 * Applies the rules to imports: a pure function from (file → imports) to the list of what is wrong.
 * Owns no rule (rules.ts) and reads no file (imports.ts).
 */

import { builtinModules } from "node:module";
import path from "node:path";
import { IMPORTED_BY_NOBODY, KNOWN_ONLY_IN, MAY_IMPORT, ZONES } from "./rules.ts";

export interface Import {
  readonly specifier: string;
  /** `import type` or `export type`: nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

export type Imports = ReadonlyMap<string, readonly Import[]>;

/** Lists every violation, one line each; empty when the house is in order. Paths are relative to the repository. */
export function violations(imports: Imports): string[] {
  const found: string[] = [];
  for (const [file, list] of imports) {
    for (const one of list) {
      const problem = isRelative(one.specifier) ? ofOurs(file, one) : ofForeign(file, one);
      if (problem) found.push(`${file} imports ${one.specifier}: ${problem}`);
    }
  }
  return [...found, ...cycles(imports).map((cycle) => `cycle: ${cycle.join(" → ")}`)];
}

function ofOurs(file: string, { specifier, typeOnly }: Import): string | undefined {
  const target = resolve(file, specifier);
  if (!/\.(ts|json)$/.test(target)) return "a relative import carries its extension, .ts";
  if (IMPORTED_BY_NOBODY.includes(target)) return `${target} is a process of its own, started by path`;
  const [from, to] = [zoneOf(file), zoneOf(target)];
  if (!from) return `${file} lies in no known part`;
  if (!to) return `${target} lies in no known part`;
  const rule = MAY_IMPORT[from];
  if (from === to || rule?.values.includes(to)) return undefined;
  if (!rule?.types?.includes(to)) return `${from} may not import ${to}`;
  return typeOnly ? undefined : `${from} may import ${to} only by \`import type\``;
}

function ofForeign(file: string, { specifier }: Import): string | undefined {
  if (specifier.startsWith("node:")) return undefined;
  if (builtinModules.includes(specifier)) return "a builtin is named with node:";
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  if (name === "iopipe") return "the package does not import itself";
  const places = KNOWN_ONLY_IN[name];
  if (!places || places.some((place) => matches(file, place))) return undefined;
  return `${name} is known only in ${places.join(", ")}`;
}

/** Cycles of value imports, each once, beginning with its alphabetically first file. */
function cycles(imports: Imports): string[][] {
  const found = new Map<string, string[]>();
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file);
    if (start >= 0) {
      const cycle = rotate(trail.slice(start));
      found.set(cycle.join(), [...cycle, ...cycle.slice(0, 1)]);
      return;
    }
    if (done.has(file)) return;
    for (const { specifier, typeOnly } of imports.get(file) ?? []) {
      if (!typeOnly && isRelative(specifier)) visit(resolve(file, specifier), [...trail, file]);
    }
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return [...found.values()];
}

function rotate(cycle: readonly string[]): string[] {
  const first = cycle.reduce((least, file, index) => (file < (cycle[least] ?? "") ? index : least), 0);
  return [...cycle.slice(first), ...cycle.slice(0, first)];
}

function zoneOf(file: string): string | undefined {
  return ZONES.find(([pattern]) => matches(file, pattern))?.[1];
}

function matches(file: string, pattern: string): boolean {
  return pattern.endsWith("/") ? file.startsWith(pattern) : file === pattern;
}

function isRelative(specifier: string): boolean {
  return /^\.\.?(\/|$)/.test(specifier);
}

function resolve(file: string, specifier: string): string {
  return path.posix.join(path.posix.dirname(file), specifier);
}
