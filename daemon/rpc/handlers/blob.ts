/** Handlers of blob/*: content larger than a frame, in and out, in chunks. */
import { decodeBase64, IopipeError, MAX_READ_BYTES } from "../../../protocol/wire/index.ts";
import type { Call, Handlers } from "../call.ts";
import type { Parts } from "./index.ts";
import { maySeeBlob } from "./views.ts";

/** Uploads under way per connection; each holds a file open. */
const MAX_UPLOADS = 64;

export function blobHandlers({ store }: Parts) {
  /** Uploads by the connection that began them: nobody else may go on with one. */
  const begun = new WeakMap<Call["peer"], Set<string>>();

  const uploadsOf = (peer: Call["peer"]): Set<string> => {
    const known = begun.get(peer);
    if (known) return known;
    const uploads = new Set<string>();
    begun.set(peer, uploads);
    peer.onClose(() => {
      for (const upload of uploads) void store.uploads.drop(upload);
    });
    return uploads;
  };
  const begin = (peer: Call["peer"]): string => {
    const uploads = uploadsOf(peer);
    // Abandoned ones have been dropped (collect/).
    for (const upload of uploads) if (!store.uploads.isOpen(upload)) uploads.delete(upload);
    if (uploads.size >= MAX_UPLOADS) {
      throw new IopipeError("TooLarge", `This connection has ${MAX_UPLOADS} uploads under way.`, {
        hint: "End them with blob/commit first.",
      });
    }
    const upload = store.uploads.begin();
    uploads.add(upload);
    return upload;
  };
  const owned = (upload: string, peer: Call["peer"]): string => {
    if (uploadsOf(peer).has(upload)) return upload;
    throw new IopipeError("BlobNotFound", `This connection has no upload ${upload}.`, { upload });
  };

  return {
    "blob/write": async ({ upload, offset, data }, { peer }) => {
      const chunk = decodeBase64(data, "data");
      const id = upload === undefined ? begin(peer) : owned(upload, peer);
      return { upload: id, size: await store.uploads.append(id, offset, chunk) };
    },
    "blob/commit": async ({ upload, hash }, { peer }) => {
      const ended = await store.uploads.end(owned(upload, peer), hash);
      uploadsOf(peer).delete(upload);
      peer.ownBlobs.add(ended.blob);
      return ended;
    },
    "blob/read": async ({ blob, offset = 0, length = MAX_READ_BYTES }, call) => {
      const size = maySeeBlob(store, blob, call) ? store.blobs.size(blob) : undefined;
      if (size === undefined) throw new IopipeError("BlobNotFound", `There is no blob ${blob}.`, { blob });
      const bytes = await store.blobs.read(blob, offset, Math.min(length, MAX_READ_BYTES));
      return { data: bytes.toString("base64"), size };
    },
  } satisfies Partial<Handlers>;
}
