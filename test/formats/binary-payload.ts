/** Binary payloads as git writes them, right and wrong, of contents that fit one line. */
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const LINE_BYTES = 52;

/** git's id of a content. */
export function idOf(bytes: Buffer): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

/** `size`: what it declares. */
export function payload(kind: "literal" | "delta", bytes: Buffer, size = bytes.length): string {
  const deflated = deflateSync(bytes);
  const lines: string[] = [];
  for (let at = 0; at < deflated.length; at += LINE_BYTES)
    lines.push(line(deflated.subarray(at, at + LINE_BYTES)));
  return `${kind} ${size}\n${lines.join("\n")}\n\n`;
}

function line(bytes: Buffer): string {
  let text = String.fromCharCode(bytes.length <= 26 ? 64 + bytes.length : 70 + bytes.length);
  for (let at = 0; at < bytes.length; at += 4) {
    let value = 0;
    for (let n = 0; n < 4; n++) value = value * 256 + (bytes[at + n] ?? 0);
    let group = "";
    for (let n = 0; n < 5; n++, value = Math.floor(value / 85)) group = ALPHABET[value % 85] + group;
    text += group;
  }
  return text;
}
