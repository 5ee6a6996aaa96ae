/** The differ: exact on any bytes, deterministic, bounded; what a worker does when it fails. */
import { Worker } from "node:worker_threads";
import { applyPatch } from "diff";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { diffLines } from "../daemon/staging/diff/changes.ts";
import { diffContent } from "../daemon/staging/diff/content.ts";
import { splitLines } from "../daemon/staging/diff/lines.ts";
import { startDiffer, warmUp } from "../daemon/staging/differ.ts";
import { seeded } from "../scripts/bench/diff/random.ts";
import { contents, text } from "./differ/contents.ts";

const job = (
  old: string | Buffer,
  now: string | Buffer,
  detail: "counts" | "hunks" | "unified" = "unified",
  context = 3,
) => ({ old: Buffer.from(old), now: Buffer.from(now), detail, context }) as const;

/** The new content, out of the old one's lines and the changes. */
function applied(old: Buffer, now: Buffer, coarse: boolean): Buffer {
  const [a, b] = [splitLines(old), splitLines(now)];
  const parts: Buffer[] = [];
  let end = 0;
  for (const change of diffLines(a, b, { coarse }).changes) {
    parts.push(old.subarray(a.starts[end], a.starts[change.oldStart]));
    parts.push(now.subarray(b.starts[change.newStart], b.starts[change.newEnd]));
    end = change.oldEnd;
  }
  return Buffer.concat([...parts, old.subarray(a.starts[end])]);
}

test("applying the changes to the old lines gives the new ones, whatever the bytes; and again the same", () => {
  fc.assert(
    fc.property(contents, fc.boolean(), ([old, now], coarse) => {
      expect(applied(old, now, coarse).equals(now)).toBe(true);
      const [first, second] = [0, 1].map(() => diffLines(splitLines(old), splitLines(now), { coarse }));
      expect(second).toEqual(first);
    }),
    { numRuns: 10_000 },
  );
});

test("one edit in a long file is one change, wherever it is", () => {
  const lines = Array.from({ length: 1100 }, (_, n) => `line ${n}\n`);
  const old = splitLines(Buffer.from(lines.join("")));
  for (let at = 0; at < lines.length; at++) {
    for (const [removed, added] of [
      [1, ["edited\n"]],
      [0, ["added\n"]],
      [1, []],
    ] as const) {
      const now = splitLines(Buffer.from(lines.toSpliced(at, removed, ...added).join("")));
      expect(diffLines(old, now).changes).toEqual([
        { oldStart: at, oldEnd: at + removed, newStart: at, newEnd: at + added.length },
      ]);
    }
  }
});

test("changes never touch each other, and none is empty", () => {
  fc.assert(
    fc.property(contents, ([old, now]) => {
      let end = -1;
      for (const { oldStart, oldEnd, newStart, newEnd } of diffLines(splitLines(old), splitLines(now))
        .changes) {
        expect(oldStart).toBeGreaterThan(end);
        expect(oldEnd - oldStart + newEnd - newStart).toBeGreaterThan(0);
        end = oldEnd;
      }
    }),
    { numRuns: 2000 },
  );
});

test("hunks apply exactly with another program's applyPatch, at any context", () => {
  fc.assert(
    fc.property(text, text, fc.integer({ min: 0, max: 5 }), (old, now, context) => {
      const { body = "" } = diffContent(job(old, now, "unified", context));
      const patch = `--- a\n+++ b\n${body}`;
      const applied = body === "" ? old : applyPatch(old, patch, { autoConvertLineEndings: false });
      expect(applied).toBe(now);
      expect(diffContent(job(old, now, "unified", context)).body).toBe(body);
    }),
    { numRuns: 2000 },
  );
});

test("counts are those of the hunks, and minimal", () => {
  fc.assert(
    fc.property(text, text, (old, now) => {
      const { added, removed, hunks = [] } = diffContent(job(old, now, "hunks"));
      const lines = hunks.flatMap((hunk) => hunk.lines);
      expect(added).toBe(lines.filter((line) => line.startsWith("+")).length);
      expect(removed).toBe(lines.filter((line) => line.startsWith("-")).length);
      const { added: same, removed: again } = diffContent(job(old, now, "counts"));
      expect([same, again]).toEqual([added, removed]);
      expect(added + removed).toBe(editDistance(linesOf(old), linesOf(now)));
    }),
    { numRuns: 1000 },
  );
});

function linesOf(content: string): string[] {
  return content.split(/(?<=\n)/).filter((line) => line !== "");
}

/** Insertions and deletions, by the plain quadratic table. */
function editDistance(a: string[], b: string[]): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, line] of a.entries()) {
    const next = [i + 1];
    for (const [j, other] of b.entries()) {
      next.push(line === other ? (row[j] ?? 0) : 1 + Math.min(row[j + 1] ?? 0, next[j] ?? 0));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

describe("hunks are counted as git does", () => {
  const lines = (...names: string[]) => names.map((name) => `${name}\n`).join("");
  test.each([
    ["creation", "", "a\n", "@@ -0,0 +1 @@\n+a\n"],
    ["deletion", "a\nb\n", "", "@@ -1,2 +0,0 @@\n-a\n-b\n"],
    ["a newline at the end", "a", "a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"],
    ["none on both sides", "a\nz", "b\nz", "@@ -1,2 +1,2 @@\n-a\n+b\n z\n\\ No newline at end of file\n"],
  ])("%s", (_, old, now, body) => {
    expect(diffContent(job(old, now)).body).toBe(body);
  });

  test("changes whose contexts touch share a hunk", () => {
    const old = lines("1", "2", "3", "4", "5", "6", "7", "8", "9");
    const near = old.replace("1", "x").replace("8", "y");
    const far = old.replace("1", "x").replace("9", "y");
    expect(diffContent(job(old, near, "hunks")).hunks).toHaveLength(1);
    expect(diffContent(job(old, far, "hunks")).hunks).toHaveLength(2);
  });
});

test("NUL or invalid UTF-8 is binary; equal contents have no body", () => {
  expect(diffContent(job("a\0", "b"))).toMatchObject({
    binary: true,
    added: 0,
    body: expect.stringContaining("GIT binary patch"),
  });
  expect(diffContent(job(Buffer.from([0xe9]), "b", "hunks"))).toMatchObject({ binary: true, hunks: [] });
  expect(diffContent(job("a\0", "a\0")).body).toBe("");
  expect(diffContent(job("a", "a")).body).toBe("");
});

/** Different lines of eight characters that all have the same hash in numbering.ts. */
function collidingLines(count: number): string[] {
  const lines: string[] = [];
  const line = Buffer.alloc(8);
  for (let n = 0; lines.length < count; n++) {
    line.write(n.toString(36).padStart(4, "0"));
    const hash = Math.imul(line.readInt32LE(0), 0x27220a95);
    line.writeInt32LE(((hash << 5) | (hash >>> 27)) ^ 0x12345678, 4);
    if (line.every((byte) => byte >= 0x20 && byte < 0x7f)) lines.push(`${line.toString()}\n`);
  }
  return lines;
}

describe("bounded", () => {
  const colliding = collidingLines(20_000);
  const ordered = (count: number, step = 1) =>
    Array.from({ length: count }, (_, n) => `line ${(n * step) % count}\n`).join("");
  const few = (count: number, seed: number) => {
    const random = seeded(seed);
    return Array.from({ length: count }, () => `${random(10)}\n`).join("");
  };
  test.each<[string, string, string, boolean]>([
    ["lines shuffled", ordered(20_011), ordered(20_011, 7919), false],
    ["50,000 lines of ten", few(50_000, 1), few(50_000, 2), false],
    ["100,000 lines of ten", few(100_000, 1), few(100_000, 2), true],
    ["total rewrite", ordered(20_000), ordered(20_000).replaceAll("line", "row"), false],
    ["LF to CRLF", ordered(20_000), ordered(20_000).replaceAll("\n", "\r\n"), false],
    [
      "every second line",
      ordered(20_000),
      ordered(20_000).replace(/line (\d*[02468])\n/g, "row $1\n"),
      false,
    ],
    ["two blocks over and over", "a\nb\n".repeat(45_000), "b\na\na\n".repeat(30_000), true],
    ["all hashes the same", colliding.join(""), colliding.toReversed().join(""), true],
    ["over 1 MiB", "a\n".repeat(600_000), `${"a\n".repeat(300_000)}b\n${"a\n".repeat(299_990)}`, true],
    ["over 100,000 lines", "\n".repeat(100_001), "a\n".repeat(10), true],
  ])("%s", (_, old, now, coarse) => {
    // A search without bounds would take longer than a test may.
    expect(diffContent(job(old, now, "counts")).coarse).toBe(coarse);
    expect(applied(Buffer.from(old), Buffer.from(now), false).toString() === now).toBe(true);
  });
});

describe("the workers", () => {
  /** A worker that runs `script`, once; later ones are real. */
  function differWith(script: string, timeoutMs = 300) {
    let first = true;
    const start = () => {
      if (!first) return new Worker(new URL("../daemon/staging/diff-worker.ts", import.meta.url));
      first = false;
      return new Worker(script, { eval: true });
    };
    const differ = startDiffer({ workers: 1, start, timeoutMs: timeoutMs });
    onTestFinished(() => differ.close());
    return differ;
  }
  const blobs = (detail: "counts" | "unified") => ({
    ...job("a\nx\nb\n", "c\nx\nd\n", detail),
    old: { bytes: Buffer.from("a\nx\nb\n") },
    now: { bytes: Buffer.from("c\nx\nd\n") },
  });

  test.each([
    ["dies", "process.exit(1)"],
    ["throws", "throw new Error('broken')"],
    ["hangs", "setInterval(() => {}, 1000)"],
    ["fails", "require('node:worker_threads').parentPort.on('message', () => { throw 1 })"],
  ])("one that %s is replaced, and its job is done coarsely", async (_, script) => {
    const differ = differWith(script, 8000);
    expect(await differ.diff(blobs("counts"))).toMatchObject({ coarse: true, added: 3, removed: 3 });
    expect(await differ.diff(blobs("counts"))).toMatchObject({ coarse: false, added: 2, removed: 2 });
  });

  test("a job that cannot be done is an error, and the next one works", async () => {
    const differ = startDiffer({ workers: 1 });
    onTestFinished(() => differ.close());
    const broken = { ...blobs("counts"), old: { path: "/nowhere/blob" } };
    await expect(differ.diff(broken)).rejects.toMatchObject({ kind: "InternalError" });
    const many = await Promise.all(Array.from({ length: 20 }, () => differ.diff(blobs("unified"))));
    expect(new Set(many.map(({ body }) => body)).size).toBe(1);
  });

  test("warming up is a diff like any other", async () => {
    const differ = startDiffer({ workers: 1 });
    onTestFinished(() => differ.close());
    await warmUp(differ);
    expect(await differ.diff(blobs("counts"))).toMatchObject({ added: 2 });
  });

  test("a queue that is full says Busy; a closed one that it shuts down", async () => {
    const differ = differWith("setInterval(() => {}, 1000)", 10_000);
    const waiting = Array.from({ length: 1001 }, () =>
      differ.diff(blobs("counts")).catch(({ kind }) => kind),
    );
    await expect(differ.diff(blobs("counts"))).rejects.toMatchObject({ kind: "Busy" });
    await differ.close();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["ShuttingDown"]));
    await expect(differ.diff(blobs("counts"))).rejects.toMatchObject({ kind: "ShuttingDown" });
  });
});
