/**
 * An editor that goes on writing in place while promotions replace its file. Each edit adds a line, and each proposal adds
 * one to what it saw; so every line of the editor's is in the file in the end, or in an edit that was caught late and kept.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { isKind } from "../../protocol/wire/index.ts";
import { openScene, type Scene } from "./scene.ts";

/** Adds lines at random moments, some in a burst, until its stdin ends; then says how many. */
const EDITOR = `
  const fs = require("node:fs");
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let n = 0, ended = false;
  process.stdin.on("end", () => { ended = true; }).resume();
  const edit = () => {
    fs.appendFileSync(process.argv[1], "edit " + n++ + "\\n");
    if (Math.random() < 0.3) return edit();
    if (ended) return console.log(n);
    setTimeout(edit, Math.random() * 20);
  };
  edit();
`;

/** Most of the promotions meet an edit on their way, and are refused. */
const PROMOTIONS = Number(process.env.IOPIPE_LATE_EDIT_PROMOTIONS ?? 60);
const LONGEST_MS = PROMOTIONS * 500;

test("no edit in place is lost, however many promotions replace its file", { timeout: 600_000 }, async () => {
  await using scene = await openScene({ files: { "notes.txt": "first\n" } });
  const editor = spawn(process.execPath, ["-e", EDITOR, scene.at("notes.txt")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const told = text(editor.stdout);
  let done = 0;
  for (const until = Date.now() + LONGEST_MS; done < PROMOTIONS && Date.now() < until; )
    if (await addLine(scene, done)) done++;
  editor.stdin.end();
  await once(editor, "exit");

  const kept = await rescued(scene);
  const there = new Set([scene.read("notes.txt"), ...kept].flatMap((content) => content.split("\n")));
  const lost = Array.from({ length: Number(await told) }, (_, n) => `edit ${n}`).filter(
    (line) => !there.has(line),
  );
  expect(done).toBeGreaterThan(0);
  // RACE (sweep.ts): a line whose write the machine put off, after its open, for as long as a whole promotion takes.
  expect(lost.length).toBeLessThanOrEqual(1);
  for (let n = 0; n < done; n++) expect(there).toContain(`proposal ${n}`);
});

/** Says whether it was applied; one that met an edit is refused, and nothing of it is written. */
async function addLine({ reviewer, workspace, read }: Scene, n: number): Promise<boolean> {
  const session = await reviewer.openSession({ workspace });
  const seen = read("notes.txt");
  const content = `${seen}proposal ${n}\n`;
  const baseHash = createHash("sha256").update(seen).digest("hex");
  try {
    await session.stage([{ kind: "write", path: "notes.txt", content, baseHash }]);
    const { digest = "" } = await session.diff();
    await session.apply(digest);
    return true;
  } catch (error) {
    if (!isKind(error, "Stale", "DigestMismatch", "IllegalState", "Busy")) throw error;
    await session.discard().catch(() => undefined);
    return false;
  }
}

async function rescued({ reviewer, workspace }: Scene): Promise<string[]> {
  const contents: string[] = [];
  const { operations } = await reviewer.call("operation/list", { workspace, limit: 1000 });
  for (const { rescued: blob } of operations.flatMap(({ files }) => files)) {
    if (blob === undefined) continue;
    const { data } = await reviewer.call("blob/read", { blob });
    contents.push(Buffer.from(data, "base64").toString());
  }
  return contents;
}
