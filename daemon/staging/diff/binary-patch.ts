/**
 * `GIT binary patch`: a file's whole content, deflated, in git's base 85; both directions, so that `git apply -R` works.
 * A line holds up to 52 bytes behind a letter for their number, as git's base85.c and diff.c (emit_binary_diff_body) do.
 */
import { deflateSync } from "node:zlib";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const LINE_BYTES = 52;

export function formatBinary(old: Buffer, now: Buffer): string {
  return `GIT binary patch\n${literal(now)}\n${literal(old)}\n`;
}

function literal(bytes: Buffer): string {
  const deflated = deflateSync(bytes);
  const lines = [`literal ${bytes.length}\n`];
  for (let at = 0; at < deflated.length; at += LINE_BYTES) {
    const part = deflated.subarray(at, at + LINE_BYTES);
    lines.push(`${lengthLetter(part.length)}${base85(part)}\n`);
  }
  return lines.join("");
}

/** A is 1 byte, Z is 26, a is 27, z is 52. */
function lengthLetter(length: number): string {
  return String.fromCharCode(length <= 26 ? 64 + length : 70 + length);
}

/** Five characters for every four bytes, most significant first; the last group is filled with zeros. */
function base85(bytes: Buffer): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) {
    let value = 0;
    for (let n = 0; n < 4; n++) value = value * 256 + (bytes[at + n] ?? 0);
    let group = "";
    for (let n = 0; n < 5; n++) {
      group = ALPHABET[value % 85] + group;
      value = Math.floor(value / 85);
    }
    text += group;
  }
  return text;
}
