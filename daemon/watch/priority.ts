/**
 * Priorities: HIGH is what a client is likely to wait for, LOW what is made or fetched by tools, MED all other source.
 * Owns the tables, and how globs that a workspace or a subscription gives come before them. What is ignored, and what a
 * workspace's globs are, comes from ignore.ts. Pure. The reasons are in README.md.
 */

import type { Lanes, Priority } from "../../protocol/methods/values.ts";
import { nameOf } from "../disk/path.ts";
import { matcherOf } from "./wildmatch.ts";

/** Manifests, lockfiles and ignore files: few, small, and everything else depends on them. */
const HIGH_NAMES = new Set([
  ".gitattributes",
  ".gitignore",
  ".gitmodules",
  "Cargo.lock",
  "Cargo.toml",
  "Gemfile",
  "Gemfile.lock",
  "Makefile",
  "build.gradle",
  "bun.lock",
  "composer.json",
  "composer.lock",
  "deno.json",
  "deno.lock",
  "go.mod",
  "go.sum",
  "package-lock.json",
  "package.json",
  "pnpm-lock.yaml",
  "pnpm-workspace.yaml",
  "poetry.lock",
  "pom.xml",
  "pyproject.toml",
  "requirements.txt",
  "tsconfig.json",
  "uv.lock",
  "yarn.lock",
]);

/** Directories of fetched or generated files, wherever they are; tracked ones too. */
const LOW_DIRECTORIES = new Set([
  ".cache",
  ".next",
  ".venv",
  "__pycache__",
  "bower_components",
  "coverage",
  "dist",
  "node_modules",
  "third_party",
  "vendor",
]);

const LOW_ENDINGS = [".map", ".min.css", ".min.js", ".pyc", ".swp", ".tmp", "~"];

/** The priority of a path by its name and place; `ignored` by a pattern. */
export function priorityOf(path: string, ignored: boolean): Priority {
  const parts = path.split("/");
  const generated = parts.some((part, at) => at < parts.length - 1 && LOW_DIRECTORIES.has(part));
  if (ignored || generated || LOW_ENDINGS.some((ending) => path.endsWith(ending))) return "LOW";
  return HIGH_NAMES.has(nameOf(path)) ? "HIGH" : "MED";
}

/** Ranks paths by globs, by the most urgent that name one; undefined where none does. */
export function laneOf(lanes: Lanes = {}): (path: string) => Priority | undefined {
  const ranks = [
    ["HIGH", lanes.high?.map(matcherOf)],
    ["MED", lanes.med?.map(matcherOf)],
    ["LOW", lanes.low?.map(matcherOf)],
  ] as const;
  const given = ranks.filter(([, matchers]) => matchers !== undefined && matchers.length > 0);
  return (path) => given.find(([, matchers]) => matchers?.some((matches) => matches(path)))?.[0];
}
