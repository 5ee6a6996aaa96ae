/** URIs of documents as paths of the workspace. Compared as text with the root: nothing is looked up. */
import { fileURLToPath } from "node:url";
import { IopipeError } from "../../../../protocol/wire/errors.ts";

/** The path below `root`. @throws {IopipeError} InvalidParams for what names no local file, PathEscape outside of it */
export function pathOfUri(uri: string, root: string): string {
  const absolute = localPath(uri);
  if (absolute === undefined)
    throw new IopipeError("InvalidParams", `${uri} is no URI of a local file.`, {
      uri,
      hint: "Send file: URIs with an absolute, percent-encoded path.",
    });
  const below = root === "/" ? root : `${root}/`;
  if (absolute.startsWith(below) && absolute !== below) return absolute.slice(below.length);
  throw new IopipeError("PathEscape", `${uri} is not below ${root}.`, { uri, root });
}

function localPath(uri: string): string | undefined {
  try {
    const url = new URL(uri);
    return url.protocol === "file:" && url.search === "" && url.hash === "" ? fileURLToPath(url) : undefined;
  } catch {
    // No URI, another host, or a slash that is encoded.
    return undefined;
  }
}
