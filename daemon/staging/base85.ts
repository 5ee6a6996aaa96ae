/**
 * git's base 85, as binary patches have it: five characters for four bytes, most significant first, the last group filled
 * with zeros; each line behind a letter for its number of bytes: A is 1, Z is 26, a is 27, z is 52.
 * Source: git, base85.c, diff.c (emit_binary_diff_body) and apply.c (parse_binary_hunk).
 */
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

const VALUES = new Uint8Array(128).fill(255);
for (let n = 0; n < ALPHABET.length; n++) VALUES[ALPHABET.charCodeAt(n)] = n;

const GROUP_CHARACTERS = 5;
const GROUP_BYTES = 4;

/** Most bytes of a line. */
export const LINE_BYTES = 52;

/** `bytes`, at most LINE_BYTES, as a line without its end. */
export function encodeLine(bytes: Buffer): string {
  const { length } = bytes;
  let line = String.fromCharCode(length <= 26 ? 64 + length : 70 + length);
  for (let at = 0; at < length; at += GROUP_BYTES) {
    let value = 0;
    for (let n = 0; n < GROUP_BYTES; n++) value = value * 256 + (bytes[at + n] ?? 0);
    let group = "";
    for (let n = 0; n < GROUP_CHARACTERS; n++) {
      group = ALPHABET[value % 85] + group;
      value = Math.floor(value / 85);
    }
    line += group;
  }
  return line;
}

/** The bytes of one line; undefined for what is no such line. */
export function decodeLine(line: string): Buffer | undefined {
  const length = lengthOf(line.charCodeAt(0));
  const groups = (line.length - 1) / GROUP_CHARACTERS;
  if (length === undefined || groups !== Math.ceil(length / GROUP_BYTES)) return undefined;
  const bytes = Buffer.allocUnsafe(groups * GROUP_BYTES);
  for (let n = 0; n < groups; n++) {
    const value = groupOf(line, 1 + n * GROUP_CHARACTERS);
    if (value === undefined) return undefined;
    bytes.writeUInt32BE(value, n * GROUP_BYTES);
  }
  return bytes.subarray(0, length);
}

function lengthOf(letter: number): number | undefined {
  if (letter >= 0x41 && letter <= 0x5a) return letter - 0x40;
  if (letter >= 0x61 && letter <= 0x7a) return letter - 0x60 + 26;
  return undefined;
}

function groupOf(line: string, at: number): number | undefined {
  let value = 0;
  for (let n = at; n < at + GROUP_CHARACTERS; n++) {
    const digit = VALUES[line.charCodeAt(n)] ?? 255;
    if (digit === 255) return undefined;
    value = value * 85 + digit;
  }
  return value <= 0xffffffff ? value : undefined;
}
