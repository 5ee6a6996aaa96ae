/**
 * The Neovim plugin's story in a headless Neovim against the real daemon: listed, shown as a diff, approved, rejected,
 * applied, undone, and buffers reloaded as their files change, but for those with unsaved changes.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { type Nvim, nvimVersion, startNvim } from "../fixture/nvim.ts";
import { canLayer } from "./layers.ts";
import { openScene, type Scene } from "./scene.ts";

const version = nvimVersion();
if (version === undefined)
  process.stderr.write(
    "NOT TESTED: the Neovim plugin; there is no nvim here. Install neovim, 0.7 or newer.\n",
  );

const files = { "a.txt": "one\ntwo\n", "b.txt": "b\n", "c.txt": "c\n" };
const MESSAGES = "execute('messages')";
const listed = `join(getbufline('iopipe://sessions', 1, '$'), "\\n")`;
const shown = `join(getbufline('iopipe://diff', 1, '$'), "\\n")`;
const buffer = (name: string): string => `join(getbufline('${name}', 1, '$'), "|")`;

async function editing(scene: Scene): Promise<Nvim> {
  const nvim = await startNvim(scene.root, scene.home.env, path.join(scene.home.directory, "nvim.sock"));
  return nvim;
}

/** Puts the cursor on the list's line that has `text`. */
const to = (nvim: Nvim, text: string) => nvim.type(`gg/${text}<CR>`);

test.runIf(version)(
  "a review: look, approve, reject, apply, undo, with every buffer as its file is",
  async () => {
    await using scene = await openScene({ files });
    const session = await scene.proposer.openSession({
      workspace: scene.workspace,
      title: "Odd\u001b\ntitle",
    });
    await session.write("a.txt", "one\nTWO\n");
    await session.write("b.txt", "B\n");
    await using nvim = await editing(scene);
    await nvim.type(":edit a.txt<CR>:split b.txt<CR>:Iopipe<CR>");
    await nvim.until(
      listed,
      /2 pending {2}Odd.+title\n {2}update {2}a\.txt {2}\+1 -1 {2}undecided\n {2}update {2}b\.txt/,
    );

    await to(nvim, "a.txt");
    await nvim.type("<CR>");
    expect(await nvim.until(shown, /TWO/)).toMatch(
      /^diff --git a\/a\.txt b\/a\.txt\n[\s\S]*\n-two\n\+TWO\n$/,
    );
    await nvim.type("a");
    await nvim.until(listed, /a\.txt .* approved/);
    await to(nvim, "b.txt");
    await nvim.type("r");
    await nvim.answer("not this");
    await nvim.until(listed, /1 pending/);
    expect((await session.get()).patches).toMatchObject([
      { path: "a.txt", decision: "approved" },
      { path: "b.txt", state: "Discarded", reason: "rejected", note: "not this" },
    ]);

    await nvim.type("ggjjA");
    await nvim.until(shown, /TWO/);
    await nvim.answer("y");
    await nvim.until(listed, /Nothing is pending/);
    expect(scene.read("a.txt")).toBe("one\nTWO\n");
    await nvim.until(buffer("a.txt"), /^one\|TWO$/);

    await nvim.type("U");
    await nvim.answer("y");
    await nvim.until(buffer("a.txt"), /^one\|two$/);
    expect(scene.read("a.txt")).toBe("one\ntwo\n");
    // The buffer may be told of its file before the undo is answered.
    await nvim.until(MESSAGES, /reverted a\.txt/);
    await nvim.type("q");
    await nvim.until("bufwinnr('iopipe://sessions')", /^-1$/);
  },
);

test.runIf(version)("a no applies nothing, and an error is told with the next step", async () => {
  await using scene = await openScene({ files });
  const session = await scene.proposer.openSession({ workspace: scene.workspace });
  await session.write("a.txt", "new\n");
  await using nvim = await editing(scene);
  await nvim.type(":Iopipe<CR>");
  await nvim.until(listed, /a\.txt/);
  await to(nvim, "a.txt");
  await nvim.type("A");
  await nvim.until(shown, /new/);
  await nvim.answer("n");
  await to(nvim, "a.txt");
  // The list follows what others do.
  await session.write("a.txt", "newer\n");
  await nvim.until(listed, /undecided/);
  writeFileSync(path.join(scene.root, "a.txt"), "somebody else's\n");
  await nvim.until(listed, /a\.txt .* stale/);
  await nvim.type("A");
  await nvim.answer("y");
  await nvim.until(MESSAGES, /a\.txt.*Read the file again/s);
  expect(scene.read("a.txt")).toBe("somebody else's\n");
});

test.runIf(version)("a buffer with unsaved changes is never lost, whatever happens to its file", async () => {
  await using scene = await openScene({ files });
  await using nvim = await editing(scene);
  await nvim.type(":edit a.txt<CR>:split b.txt<CR>:split c.txt<CR>:IopipeWatch<CR>");
  await nvim.type(":buffer a.txt<CR>omine<Esc>");
  const subscriptions = async () =>
    (await scene.reviewer.call("daemon/status", {})).watches[0]?.subscriptions;
  await expect.poll(subscriptions, { timeout: 30_000 }).toBe(1);
  for (const name of ["a.txt", "b.txt"]) writeFileSync(path.join(scene.root, name), "theirs\n");
  rmSync(path.join(scene.root, "c.txt"));
  await nvim.until(buffer("b.txt"), /^theirs$/);
  await nvim.until(MESSAGES, /a\.txt changed on disk; the buffer is kept/);
  await nvim.until(MESSAGES, /c\.txt was deleted on disk; the buffer is kept/);
  expect(await nvim.ask(buffer("a.txt"))).toBe("one|mine|two");
  expect(await nvim.ask(buffer("c.txt"))).toBe("c");
  expect(readFileSync(path.join(scene.root, "a.txt"), "utf8")).toBe("theirs\n");
});

test.runIf(version)("after a restart of the daemon it goes on where it was", async () => {
  await using scene = await openScene({ files, killable: true });
  await using nvim = await editing(scene);
  await nvim.type(":edit a.txt<CR>:Iopipe<CR>");
  await nvim.until(listed, /Nothing is pending/);
  await scene.end();
  writeFileSync(path.join(scene.root, "a.txt"), "meanwhile\n");
  await scene.start();
  await nvim.until(buffer("a.txt"), /^meanwhile$/);
  const session = await scene.proposer.openSession({ workspace: scene.workspace, title: "after" });
  await session.write("b.txt", "new\n");
  await nvim.until(listed, /after[\s\S]*b\.txt/);
  if (!canLayer) return;
  await scene.reviewer.call("session/verify", { session: session.id, command: ["true"] });
  await nvim.until(listed, /\[true passed\]/);
});
