/** Answers as JSON: large ones are the same bytes, made in pieces between which the loop turns. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeJson } from "../daemon/rpc/encode.ts";

const KiB = 1024;

async function encoded(value: unknown): Promise<string> {
  return Buffer.concat([...(await encodeJson(value))]).toString();
}

test("any answer is what JSON.stringify makes of it, large or small", async () => {
  const long = fc
    .tuple(fc.string({ unit: "binary", minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 300 * KiB }))
    .map(([text, length]) => text.repeat(Math.ceil(length / text.length)));
  const small = fc.jsonValue({ noUnicodeString: false });
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", maxDepth: 4 },
      small,
      long,
      fc.array(tie("value"), { maxLength: 5 }),
      fc.dictionary(fc.string(), fc.option(tie("value"), { nil: undefined }), { maxKeys: 5 }),
      fc.tuple(small, fc.nat(3000)).map(([each, times]) => new Array(times).fill(each)),
    ),
  }));
  await fc.assert(
    fc.asyncProperty(value, async (result) => {
      const answer = { jsonrpc: "2.0", id: 1, result };
      const text = await encoded(answer);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(answer)));
      expect(text).not.toContain("\n");
    }),
    { numRuns: 200 },
  );
});

test("a pair of surrogates on the border of two pieces stays one character", async () => {
  for (const before of [64 * KiB - 1, 64 * KiB, 128 * KiB - 1]) {
    const text = `${"x".repeat(before)}😀${"y".repeat(200 * KiB)}`;
    expect(JSON.parse(await encoded({ text }))).toEqual({ text });
  }
});

test.each<[string, unknown]>([
  ["one long text", { diff: "+ a line\n".repeat(KiB * KiB) }],
  ["many members", { patches: Array.from({ length: 50_000 }, (_, n) => ({ id: `p${n}`, path: `d/${n}` })) }],
  ["many deep below", { files: [{ hunks: [{ lines: new Array(300_000).fill("+ a line") }] }] }],
])("while %s is encoded the loop turns", async (_, value) => {
  let turns = 0;
  let isDone = false;
  const turn = (): void => {
    turns++;
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  await encodeJson(value);
  isDone = true;
  expect(turns).toBeGreaterThan(2);
});
