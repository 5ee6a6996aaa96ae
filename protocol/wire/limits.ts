/**
 * Limits that both ends know. Sizes in bytes, times in milliseconds.
 */

const MiB = 1024 * 1024;

/** One message, in either framing. Larger content goes through blob/write. */
export const MAX_FRAME_BYTES = 16 * MiB;

/** Longest diff that one answer carries; beyond it TooLarge. */
export const MAX_DIFF_BYTES = 8 * MiB;

/** Most bytes that one answer of file/read or blob/read gives: in base64 and JSON they stay below a frame. */
export const MAX_READ_BYTES = 8 * MiB;

/** Files above this want `confirmFullReplace`, and are diffed as a whole. */
export const FULL_REPLACE_BYTES = 1 * MiB;

/** Most changes of one call of patch/stage, and files that the change of one folder may come to. */
export const MAX_CHANGES = 100_000;

/** Longest note of a change or a decision, in UTF-16 code units. */
export const MAX_NOTE_CHARS = 10_000;

/** Most members of one JSON-RPC batch: enough for any client we know, too few to starve the others. */
export const MAX_BATCH = 64;

/** Longest Unix socket path in bytes, without the NUL: sun_path is 104 on macOS, 108 on Linux (unix(7)). */
export const MAX_SOCKET_PATH_BYTES = 103;

export const PROTOCOL_VERSION = 1;
