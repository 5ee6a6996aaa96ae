/**
 * What a client wants to see: include and exclude globs as git's `:(glob)`, and priorities. Pure.
 * Owns reading a client's globs; matching one is wildmatch.ts.
 */

import type { Priority } from "../../protocol/methods/values.ts";
import { laneOf } from "./priority.ts";
import type { Filter } from "./types.ts";
import { literalPrefix, matcherOf } from "./wildmatch.ts";

export interface Selection {
  /** Whether the globs let a path through. */
  takes(path: string): boolean;
  wants(priority: Priority): boolean;
  /** The priority that the client's own globs give a path; undefined where it has none, or none names it. */
  readonly laneOf: ((path: string) => Priority | undefined) | undefined;
  /** Directories that the includes name without special characters: they are listed even where they are ignored. */
  readonly prefixes: ReadonlySet<string>;
}

export function selectionOf({ include, exclude, priorities, lanes }: Filter): Selection {
  const included = include?.map(matcherOf);
  const excluded = exclude?.map(matcherOf) ?? [];
  return {
    takes: (path) =>
      (included === undefined || included.some((matches) => matches(path))) &&
      !excluded.some((matches) => matches(path)),
    wants: (priority) => priorities?.includes(priority) ?? true,
    laneOf: lanes && laneOf(lanes),
    prefixes: new Set(include?.map(directoryOf).filter((prefix) => prefix !== "")),
  };
}

/** Whether one of the globs names one of the paths, or a directory above it. */
export function matchesAny(globs: readonly string[], paths: readonly string[]): boolean {
  return globs.map(matcherOf).some((matches) => paths.some(matches));
}

/** The whole names at the beginning of a glob: `a/b/*.js` names `a/b`, `a/b` names itself. */
function directoryOf(glob: string): string {
  const prefix = literalPrefix(glob);
  if (prefix === glob) return glob.replace(/\/+$/, "");
  return prefix.slice(0, Math.max(0, prefix.lastIndexOf("/")));
}
