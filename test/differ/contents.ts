/** Arbitrary pairs of contents for tests of the differ and of merging: random, and built to be hard. */
import fc from "fast-check";

/** Few distinct lines, so that they repeat; with and without CRLF and a final newline. */
export const text = fc
  .array(fc.constantFrom("a\n", "b\n", "c\r\n", "\n", "ä€\n", "  a\n"), { maxLength: 40 })
  .chain((lines) => fc.constantFrom("", "a", "\r", "end").map((end) => lines.join("") + end));

const anyBytes = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes));

/** Newlines everywhere, NULs, and bytes that are no UTF-8. */
const fewBytes = fc
  .array(fc.constantFrom(0, 10, 10, 13, 97, 98, 255), { maxLength: 80 })
  .map((list) => Buffer.from(list));

/** A block over and over: it can be said to have come or gone in any of its places. */
const periodic = fc
  .tuple(
    fc.array(fc.constantFrom("a\n", "b\n", "{\n", "}\n", "\n"), { minLength: 1, maxLength: 4 }),
    fc.nat(20),
  )
  .map(([block, times]) => Buffer.from(block.join("").repeat(times)));

const one = fc.oneof(anyBytes, fewBytes, periodic, text.map(Buffer.from));

/** What became of some content by cutting, doubling, moving and reversing pieces of it. */
const derived = fc
  .tuple(
    fc.oneof(periodic, text.map(Buffer.from)),
    fc.array(fc.tuple(fc.nat(4), fc.nat(60), fc.nat(60)), { maxLength: 4 }),
  )
  .map(([old, steps]): [Buffer, Buffer] => [
    old,
    steps.reduce((now, [kind, from, length]) => {
      const [before, piece, after] = [
        now.subarray(0, from),
        now.subarray(from, from + length),
        now.subarray(from + length),
      ];
      const turned = Buffer.from(piece.toString("latin1").split("\n").reverse().join("\n"), "latin1");
      const parts = [
        [before, after],
        [before, piece, piece, after],
        [after, before, piece],
        [before, turned, after],
        [before, Buffer.from("new\n"), after],
      ];
      return Buffer.concat(parts[kind] ?? [now]);
    }, old),
  ]);

/** An old and a new content. */
export const contents: fc.Arbitrary<[Buffer, Buffer]> = fc.oneof(fc.tuple(one, one), derived);
