/** Watching one root: the door to this folder. See types.ts for the interface, watch.ts for how the parts are tied. */

export { matchesAny } from "./filter.ts";
export type * from "./types.ts";
export { watchRoot } from "./watch.ts";
export { assertGlobs, assertRules } from "./well-formed.ts";
export { faultIn } from "./wildmatch.ts";
