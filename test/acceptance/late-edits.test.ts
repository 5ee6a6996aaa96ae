/**
 * An editor that goes on saving while a daemon's promotions replace its files, in place and by rename: each of its saves
 * is on disk, or can be read from the operation that displaced or rescued it, or it has overwritten that save itself.
 * Thousands of promotions, without a daemon, are promotion-late-edits.test.ts.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { isKind } from "../../protocol/wire/index.ts";
import type { Run } from "../late-edits/editor.ts";
import { openScene, type Scene } from "./scene.ts";

const EDITOR = join(import.meta.dirname, "../late-edits/editor.ts");
/** So many that a promotion, which takes its time on a slow disk, is not met by an edit each time. */
const FILES = Array.from({ length: 64 }, (_, n) => String(n));

const PROMOTIONS = 40;
const LONGEST_MS = PROMOTIONS * 500;

test.each(["append", "rename"])(
  "of what an editor saves by %s while files are promoted, nothing is lost",
  async (way) => {
    await using scene = await openScene({
      files: Object.fromEntries(FILES.map((name) => [name, "first\n"])),
    });
    const pauseMs = 4;
    const editor = spawn(process.execPath, [EDITOR, way, scene.root, `${FILES.length}`, `${pauseMs}`], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(editor.stdout, "readable");
    const told = text(editor.stdout);
    let done = 0;
    for (const until = Date.now() + LONGEST_MS; done < PROMOTIONS && (done === 0 || Date.now() < until); )
      if (await addLine(scene, FILES[(done * 7) % FILES.length] as string, done)) done++;
    editor.stdin.end();
    const runs = JSON.parse(await told) as Run[];

    const contents = [...FILES.map((name) => scene.read(name)), ...(await displaced(scene))];
    const there = new Set(contents.flatMap((content) => content.split("\n")));
    const left = runs.flatMap(({ file, first, last }) =>
      Array.from({ length: last - first + 1 }, (_, n) => `${file} ${first + n}`),
    );
    const lost = left.filter((line) => !there.has(line));
    expect(done).toBeGreaterThan(0);
    // RACE (sweep.ts): an append whose write the machine put off, after its open, for as long as a whole promotion takes.
    expect(lost.length, String(lost)).toBeLessThanOrEqual(way === "append" ? 1 : 0);
  },
);

/** Says whether it was applied; one that met an edit is refused, and nothing of it is written. */
async function addLine({ reviewer, workspace, read }: Scene, path: string, n: number): Promise<boolean> {
  const session = await reviewer.openSession({ workspace });
  const seen = read(path);
  const content = `${seen}proposal ${n}\n`;
  const baseHash = createHash("sha256").update(seen).digest("hex");
  try {
    await session.stage([{ kind: "write", path, content, baseHash }]);
    const { digest = "" } = await session.diff();
    await session.apply(digest);
    return true;
  } catch (error) {
    if (!isKind(error, "Stale", "DigestMismatch", "IllegalState", "Busy")) throw error;
    await session.discard().catch(() => undefined);
    return false;
  }
}

/** What operations replaced knowingly, and what they found in it later. */
async function displaced({ reviewer, workspace }: Scene): Promise<string[]> {
  const { operations } = await reviewer.call("operation/list", { workspace, limit: 1000 });
  const files = operations.filter(({ state }) => state !== "rolledBack").flatMap(({ files: all }) => all);
  const rescued = operations.flatMap(({ files: all }) => all.flatMap((file) => file.rescued ?? []));
  const blobs = new Set([...files.flatMap(({ before }) => before.hash ?? []), ...rescued]);
  const read = async (blob: string): Promise<string> =>
    Buffer.from((await reviewer.call("blob/read", { blob })).data, "base64").toString();
  return Promise.all([...blobs].map(read));
}
