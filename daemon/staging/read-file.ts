/**
 * Reading as a session sees it: what is staged over what is on disk. What this shows is what edits apply to.
 * Nothing is recorded: a patch found stale here is left for the watcher to move.
 */
import { isUtf8 } from "node:buffer";
import type { CheckedParams, Result } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { MAX_READ_BYTES } from "../../protocol/wire/limits.ts";
import type { Tree } from "../disk/index.ts";
import type { SessionRow, Store } from "../store/index.ts";
import { assertThere, findPlace } from "./places.ts";
import { openView } from "./view.ts";

/** Texts above this are measured as JSON, where control characters take six bytes each. */
const SURELY_FITS_BYTES = 2 * 1024 * 1024;

/**
 * Reads a file, or a range of its bytes, following links that stay inside the root.
 *
 * @throws {IopipeError} FileNotFound, NotAFile, PathEscape, TooLarge for more than 8 MiB at once
 */
export async function readFile(
  store: Store,
  session: SessionRow,
  tree: Tree,
  { path, offset = 0, length, encoding }: CheckedParams<"file/read">,
): Promise<Result<"file/read">> {
  // What is shown decides nothing: a large file is not hashed anew for each of its ranges.
  const view = openView(store, session, { ...tree, image: tree.knownImage });
  const place = await findPlace(view, path, { follow: true });
  assertThere(place);
  const image = await view.imageOf(place.path);
  const wanted = Math.min(length ?? Number.POSITIVE_INFINITY, Math.max(0, (image.size ?? 0) - offset));
  if (wanted > MAX_READ_BYTES) throw tooLarge(place.path, wanted);
  const bytes = await view.snapshots.range(image, offset, wanted);
  const origin = (await view.layerOf(place.path)) ? "staged" : "disk";
  return { ...encodeBytes(bytes, encoding), image, origin };
}

/** utf8 where the bytes are that, and fit as such, whatever was asked: never a character that is not there. */
function encodeBytes(
  bytes: Buffer,
  asked: "utf8" | "base64" | undefined,
): Pick<Result<"file/read">, "content" | "encoding"> {
  if (asked !== "base64" && isUtf8(bytes)) {
    const content = bytes.toString("utf8");
    if (bytes.length <= SURELY_FITS_BYTES || JSON.stringify(content).length <= 1.5 * MAX_READ_BYTES)
      return { content, encoding: "utf8" };
  }
  return { content: bytes.toString("base64"), encoding: "base64" };
}

function tooLarge(path: string, bytes: number): IopipeError {
  return new IopipeError(
    "TooLarge",
    `${path}: ${bytes} bytes are more than the ${MAX_READ_BYTES} of one answer.`,
    {
      path,
      limit: MAX_READ_BYTES,
      hint: "Ask for ranges, with offset and length.",
    },
  );
}
