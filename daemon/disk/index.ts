/** What the disk gives to the parts above it; the durable write on its own is atomic.ts. */
export { fill, runAsync } from "./durable.ts";
export { DiskError, faultKind, isErrno, named } from "./errors.ts";
export { fastImport } from "./fast-import.ts";
export { type GitAnswer, runGit } from "./git.ts";
export { ABSENT, type Aspect, aspectsOf, type Image, sameAspects } from "./image.ts";
export { inParallel } from "./parallel.ts";
export {
  ancestorsOf,
  checkPath,
  foldCase,
  isGitDirectory,
  isTemporaryName,
  joinPath,
  nameOf,
  parentOf,
  temporaryMark,
  temporaryName,
} from "./path.ts";
export { openPlaces, type Places } from "./places.ts";
export {
  type Dir,
  type Entry,
  type EntryType,
  type File,
  identityOf,
  isSlowToFree,
  modeOf,
  type Port,
  type Stat,
  sameStat,
  typeOf,
} from "./port.ts";
export type { Place, Sink } from "./read.ts";
export { retrying } from "./retry.ts";
export { lstatImage, takeImage } from "./take.ts";
export { openTree, type Tree } from "./tree.ts";
export {
  type ExtendedAttributes,
  giveExtended,
  readExtended,
  sameExtended,
} from "./xattr.ts";
