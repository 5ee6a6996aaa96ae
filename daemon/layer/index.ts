/**
 * Layers: a command's writable layer over a tree. Owns the process that makes one and runs a command there (enter.sh,
 * started by path, by a client for `run`, by the daemon for what it runs itself), where a layer is, who is in it, and
 * the reading of what it makes of the tree. What becomes of that is daemon/workspace's and staging's.
 */
export { identityOfProcess, processesIn } from "./alive.ts";
export { NoLayer, runInLayer, type Stream } from "./command.ts";
export { makeCopy, readCopy } from "./copy.ts";
export { fillLayer } from "./fill.ts";
export { outsideGit } from "./git-directories.ts";
export { GIT_FINDS_ABOVE, makeGitLayers, readGitLayers } from "./git-layers.ts";
export { type LayerPlace, layerPlace, makeLayer, removeLayer } from "./place.ts";
export type { Standing, Unstaged } from "./standing.ts";
export { type Own, startIn, startInCopy } from "./start.ts";
export { readUpper } from "./upper.ts";
