/** write: a file's whole new content, given as text, base64 or an uploaded blob; its bytes are taken as they are. */
import type { ChangeOf, Image } from "../../../protocol/methods/index.ts";
import { decodeBase64 } from "../../../protocol/wire/base64.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { assertNoDirectory, findPlace } from "../places.ts";
import { assertBaseHash, assertUnlinked, blobSize, type Context, encode, invalid, put } from "./context.ts";

const CONTENT_FIELDS = ["content", "contentBase64", "blob"] as const;

export async function write(context: Context, change: ChangeOf<"write">): Promise<void> {
  const { view } = context;
  const place = await findPlace(view, change.path, { follow: true });
  assertNoDirectory(place);
  if (change.createOnly && place.type !== "absent")
    throw new IopipeError("FileExists", `${place.path} exists already.`, { path: place.path });
  await assertBaseHash(context, place.path, change);
  await assertUnlinked(context, place.path, change);
  const content = await contentOf(context, change);
  const mode = change.mode ?? (await view.imageOf(place.path)).mode ?? (await view.modeOfNewFile(place.path));
  await put(context, place.path, { exists: true, type: "file", ...content, mode }, change);
}

async function contentOf(context: Context, change: ChangeOf<"write">): Promise<Pick<Image, "hash" | "size">> {
  const { path, content, contentBase64, blob } = change;
  const given = CONTENT_FIELDS.filter((field) => change[field] !== undefined);
  if (given.length !== 1) {
    const found = given.length === 0 ? "none of them" : given.join(" and ");
    throw invalid(
      `A write takes exactly one of content, contentBase64 and blob; that of ${path} has ${found}.`,
      path,
    );
  }
  if (blob !== undefined) return { hash: blob, size: blobSize(context, blob, path) };
  const bytes =
    content !== undefined
      ? encode(content, path, "content")
      : decodeBase64(contentBase64 ?? "", "contentBase64");
  return { hash: await context.view.snapshots.keep(bytes), size: bytes.length };
}
