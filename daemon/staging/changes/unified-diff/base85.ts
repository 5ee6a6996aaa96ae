/**
 * git's base 85: five characters for four bytes, most significant first, each line behind a letter for its length.
 * Source: git, base85.c and apply.c (parse_binary_hunk). Writing it is ../../diff/binary-patch.ts.
 */
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

const VALUES = new Uint8Array(128).fill(255);
for (let n = 0; n < ALPHABET.length; n++) VALUES[ALPHABET.charCodeAt(n)] = n;

const GROUP_CHARACTERS = 5;
const GROUP_BYTES = 4;

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

/** A is 1 byte, Z is 26, a is 27, z is 52. */
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
