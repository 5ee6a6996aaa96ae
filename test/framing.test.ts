import { describe, expect, test } from "vitest";
import { encodeFrame, FrameDecoder, type Framing, isKind, parseFrame } from "../protocol/wire/index.ts";

const LIMIT = 1024;
const MESSAGES = [{ a: 1 }, { text: "Grüße 👋 漢字" }, { empty: "" }];

/** What a decoder makes of `chunks`: parsed frames, then the kind of the error if there is one. */
function decode(chunks: Iterable<Buffer>, limit = LIMIT): unknown[] {
  const decoder = new FrameDecoder(limit);
  const out: unknown[] = [];
  for (const chunk of chunks)
    for (const one of decoder.push(chunk)) out.push("frame" in one ? parseFrame(one.frame) : one.error.kind);
  for (const one of decoder.end()) out.push("frame" in one ? parseFrame(one.frame) : one.error.kind);
  return out;
}

const streamOf = (framing: Framing): Buffer =>
  Buffer.from(MESSAGES.map((message) => encodeFrame(framing, JSON.stringify(message))).join(""));

const bytesOf = (stream: Buffer): Buffer[] =>
  Array.from(stream, (_, index) => stream.subarray(index, index + 1));

describe.each(["lines", "headers"] as const)("a stream of %s", (framing) => {
  const stream = streamOf(framing);

  test("comes out whole wherever it is cut in two", () => {
    for (let cut = 0; cut <= stream.length; cut++)
      expect(decode([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(MESSAGES);
  });

  test("comes out whole when every byte comes alone", () => {
    expect(decode(bytesOf(stream))).toEqual(MESSAGES);
  });

  test("takes a frame of exactly the limit and refuses one byte more", () => {
    const json = JSON.stringify("x".repeat(LIMIT - 2));
    // The first byte decides the framing, and a line cannot begin with a quote.
    const start = Buffer.from(encodeFrame(framing, "{}"));
    expect(decode([start, Buffer.from(encodeFrame(framing, json))])).toHaveLength(2);
    expect(decode([start, Buffer.from(encodeFrame(framing, `${json} `))])).toEqual([{}, "FrameTooLarge"]);
  });

  test("gives nothing more after an error", () => {
    const tooLarge = Buffer.from(encodeFrame(framing, JSON.stringify({ x: "x".repeat(LIMIT) })));
    expect(decode([tooLarge, stream])).toEqual(["FrameTooLarge"]);
  });
});

test("a line that is too long is refused before its end has come", () => {
  expect(decode([Buffer.from("{"), Buffer.alloc(LIMIT, "x")])).toEqual(["FrameTooLarge"]);
});

test("many lines in one chunk may be longer than a frame together", () => {
  const line = `{"x":"${"x".repeat(LIMIT / 2)}"}\n`;
  expect(decode([Buffer.from(line.repeat(10))])).toHaveLength(10);
});

test("blank lines and carriage returns between lines are nothing", () => {
  expect(decode([Buffer.from(' \r\n\n{"a":1}\r\n\n \n[2]\n')])).toEqual([{ a: 1 }, [2]]);
});

test("the last line needs no newline, a cut-off body is no frame", () => {
  expect(decode([Buffer.from('{"a":1}\n{"b":2}')])).toEqual([{ a: 1 }, { b: 2 }]);
  expect(decode([Buffer.from('Content-Length: 9\r\n\r\n{"a":1')])).toEqual([]);
});

test("headers beside Content-Length are passed over, whatever their case", () => {
  const head = "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length:2\r\n\r\n";
  expect(decode(bytesOf(Buffer.from(`${head}{}${head}[]`)))).toEqual([{}, []]);
});

test.each([
  ["no known first byte", "GET / HTTP/1.1\r\n\r\n", "ParseError"],
  ["no length", "Content-Type: x\r\n\r\n{}", "ParseError"],
  ["a length that is no number", "Content-Length: two\r\n\r\n{}", "ParseError"],
  ["a negative length", "Content-Length: -1\r\n\r\n", "ParseError"],
  ["a length beyond every limit", "Content-Length: 99999999999\r\n\r\n", "FrameTooLarge"],
  ["a length beyond every number", `Content-Length: ${"9".repeat(400)}\r\n\r\n`, "ParseError"],
  ["a header without an end", `Content-Length: 2\r\n${"X: y\r\n".repeat(1000)}`, "ParseError"],
])("%s ends the stream", (_, bytes, kind) => {
  expect(decode([Buffer.from(bytes)])).toEqual([kind]);
  expect(decode(bytesOf(Buffer.from(bytes)))).toEqual([kind]);
});

test("a body of length 0 is an empty frame, which does not parse", () => {
  expect(() => decode([Buffer.from("Content-Length: 0\r\n\r\n")])).toThrow("cannot be parsed");
});

test("a frame that is not UTF-8 does not parse", () => {
  const broken = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
  expect(() => parseFrame(broken)).toThrow(expect.toSatisfy((error) => isKind(error, "ParseError")));
});
