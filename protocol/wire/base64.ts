/** Strict base64: what Buffer.from would silently skip is an error of the sender. */
import { IopipeError } from "./errors.ts";

/**
 * Decodes padded base64 (the URL alphabet too). `param` names the field, for the error.
 *
 * @throws {IopipeError} InvalidParams
 */
export function decodeBase64(text: string, param: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  // Buffer.from skips characters outside the alphabet and stops at padding: either way bytes are missing.
  if (text.length % 4 !== 0 || bytes.length !== (text.length / 4) * 3 - padding) {
    throw new IopipeError("InvalidParams", `${param}: it is not padded base64.`, { param });
  }
  return bytes;
}
