/**
 * Taking images: what stands at one place of an open directory.
 * Owns the translation from stat, link and bytes to an Image. Finding the place is tree.ts, reading it stably read.ts.
 */
import { DiskError } from "./errors.ts";
import { ABSENT, type Image } from "./image.ts";
import { type EntryType, modeOf, type Port, type Stat, typeOf } from "./port.ts";
import { notAFile, type Place, type Range, readRange, readStable, type Sink } from "./read.ts";

/** What stands there, if anything. */
export function entryOf(stat: Stat | undefined): EntryType | "absent" {
  return stat ? typeOf(stat) : "absent";
}

function imageOf(port: Port, place: Place, stat: Stat | undefined): Image {
  const entry = entryOf(stat);
  if (!stat || entry === "absent") return ABSENT;
  if (entry !== "file" && entry !== "symlink") throw notAFile(place.path);
  const common = { exists: true, type: entry, size: Number(stat.size), mtimeNs: String(stat.mtimeNs) };
  if (entry === "file") return { ...common, mode: modeOf(stat) };
  return { ...common, target: targetOf(port, place) };
}

function targetOf(port: Port, { dir, name, path }: Place): string {
  const bytes = port.readlink(dir, name);
  const target = bytes.toString();
  if (Buffer.from(target).equals(bytes)) return target;
  throw new DiskError("NotAFile", path, `'${path}' is a symlink whose target is not UTF-8.`);
}

/** The image of what is at `place`, without a hash. @throws {DiskError} NotAFile */
export function lstatImage(port: Port, place: Place): Image {
  return imageOf(port, place, port.lstat(place.dir, place.name));
}

/** The image of what is at `place`, stable, with a file's hash; its bytes go into `sink`. @throws {DiskError} NotAFile, Busy */
export async function takeImage(port: Port, place: Place, sink?: Sink): Promise<Image> {
  const stat = port.lstat(place.dir, place.name);
  if (!stat || typeOf(stat) !== "file") return imageOf(port, place, stat);
  const content = await readStable(port, place, sink);
  return content ? { ...imageOf(port, place, content.stat), hash: content.hash } : ABSENT;
}

/** A small regular file's bytes at one moment, with its image. @throws {DiskError} NotAFile also for what is absent */
export async function readWhole(port: Port, place: Place): Promise<{ image: Image; bytes: Buffer }> {
  let pieces: Uint8Array[] = [];
  const content = await readStable(port, place, {
    begin: () => {
      pieces = [];
    },
    piece: (bytes) => void pieces.push(Buffer.from(bytes)),
  });
  if (!content) throw notAFile(place.path);
  return {
    image: { ...imageOf(port, place, content.stat), hash: content.hash },
    bytes: Buffer.concat(pieces),
  };
}

/** A range of a regular file's bytes at one moment, with its image but for the hash. @throws {DiskError} NotAFile, Busy */
export async function takeRange(
  port: Port,
  place: Place,
  range: Range,
): Promise<{ image: Image; bytes: Buffer }> {
  const content = await readRange(port, place, range);
  if (!content) throw notAFile(place.path);
  return { image: imageOf(port, place, content.stat), bytes: content.bytes };
}
