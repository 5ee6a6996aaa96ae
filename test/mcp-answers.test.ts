/** What the tools of `iopipectl mcp` answer in each state of a session, so that the next step is always the right one. */
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { openScene, sharedStage } from "./acceptance/scene.ts";
import { mcpInProcess } from "./mcp/client.ts";

const stage = sharedStage();

/** A repository with an agent in it, which names its session by one key. */
async function agentOn(files: Record<string, string> = { "a.txt": "1\n2\n3\n", "b.txt": "b\n" }) {
  const scene = await openScene({ on: stage(), files });
  const agent = await mcpInProcess(scene.home, { cwd: scene.root });
  const key = crypto.randomUUID();
  const call = (name: string, args: Record<string, unknown> = {}) => agent.call(name, { key, ...args });
  const write = (file: string, content: string, more = {}) =>
    call("stage_write", { path: file, content, ...more });
  const handle = async () => scene.reviewer.session((await call("session_status")).data.session.id);
  const dispose = async (): Promise<void> => {
    await agent[Symbol.asyncDispose]();
    await scene[Symbol.asyncDispose]();
  };
  return { scene, call, write, handle, [Symbol.asyncDispose]: dispose };
}

test("session_status and await_review follow a session from its first patch until it was applied", async () => {
  await using on = await agentOn();
  const state = async () => {
    const [status, review] = [await on.call("session_status"), await on.call("await_review")];
    return [review.data.outcome, status.data.next];
  };
  await on.write("a.txt", "1\n2\n3\n");
  expect(await state()).toEqual(["nothing", "Nothing is staged."]);
  await on.write("a.txt", "one\n2\n3\n", { title: "Words", note: "for people" });
  expect(await state()).toEqual(["unsubmitted", expect.stringContaining("call submit_for_review")]);
  await on.call("submit_for_review", { message: "Please." });
  expect(await state()).toEqual(["waiting", expect.stringContaining("waits for a person")]);
  const session = await on.handle();
  const patches = async () => (await session.get()).patches.filter(({ state: each }) => each === "Pending");
  const decide = async (decision: "approved" | "rejected") => {
    const decisions = (await patches()).map(({ id }) => ({ patch: id, decision }));
    await on.scene.reviewer.call("session/decide", { session: session.id, decisions });
  };
  await decide("approved");
  expect((await state())[0]).toBe("approved");
  writeFileSync(on.scene.at("a.txt"), "somebody's\n");
  await expect(session.apply((await session.diff()).digest as string)).rejects.toMatchObject({
    kind: "Stale",
  });
  expect(await state()).toEqual(["stale", expect.stringContaining("stage them again")]);
  await on.write("a.txt", "one\n");
  await decide("rejected");
  expect((await state())[0]).toBe("rejected");
  await on.write("a.txt", "uno\n");
  // With nothing pending the one of that key was over.
  const renewed = await on.handle();
  await renewed.apply((await renewed.diff()).digest as string);
  const { id } = renewed;
  const applied = await on.call("session_status", { key: undefined, session: id });
  expect(applied.data.next).toMatch(/^It was applied/);
  expect((await on.call("await_review", { key: undefined, session: id })).data.outcome).toBe("applied");
});

test("diff_staged, check_staged and discard_staged of some paths, and of what is not there any more", async () => {
  await using on = await agentOn();
  await on.write("a.txt", "1\ntwo\n3\n");
  await on.write("b.txt", "B\n");
  const some = await on.call("diff_staged", { paths: ["a.txt"], context: 0 });
  expect(some.text).toContain("@@ -2 +2 @@\n-2\n+two");
  expect(some.text).not.toContain("b.txt");
  expect((await on.call("check_staged")).data).toMatchObject({ wouldApply: true, problems: [] });
  writeFileSync(on.scene.at("b.txt"), "below\n");
  const check = await on.call("check_staged");
  expect(check.data).toMatchObject({
    wouldApply: false,
    next: expect.stringMatching(/^Stage the paths named/),
  });
  expect((await on.call("discard_staged", { paths: ["b.txt"] })).data.discarded).toEqual(["b.txt"]);
  expect((await on.call("discard_staged")).data.discarded).toEqual(["a.txt"]);
  expect((await on.call("diff_staged")).data).toMatchObject({ diff: "", next: "Nothing is staged." });
  expect((await on.call("discard_staged")).data.discarded).toEqual([]);
});

test("next steps of the daemon's own name tools of this server, or what the person does", async () => {
  await using on = await agentOn({ "twice.txt": "x\n-\nx\n", ".iopipe.jsonc": '{ "ask": ["**"] }' });
  const patch = "--- a/twice.txt\n+++ b/twice.txt\n@@ -9 +9 @@\n-x\n+y\n";
  expect((await on.call("stage_patch", { patch })).text).toMatch(
    /^MatchAmbiguous: .*\nNext: Make the diff again from the content that read_staged gives/,
  );
  await on.write("twice.txt", "y\n");
  const [problem] = (await on.call("check_staged")).data.problems;
  expect(problem).toMatchObject({ kind: "NotApproved", hint: expect.stringContaining("iopipectl review") });
  expect(problem.hint).not.toContain("session/decide");
});

test("a long diff is linked to, file by file, and each link can be read", async () => {
  await using on = await agentOn();
  await on.write("long.txt", "line of a long file\n".repeat(20_000));
  const { data, content } = await on.call("diff_staged");
  expect(data).toMatchObject({ linked: true, diff: "", next: expect.stringContaining("read the linked") });
  expect(content).toEqual(expect.arrayContaining([expect.objectContaining({ type: "resource_link" })]));
});

test("read_staged: some lines, an empty file, what is no text, a line that is too long, a file that is too large", async () => {
  await using on = await agentOn({
    "a.txt": "1\n2\n3\n",
    "empty.txt": "",
    "long.txt": `${"x".repeat(200_000)}\nshort\n`,
  });
  const read = async (file: string, more = {}) => on.call("read_staged", { path: file, ...more });
  expect((await read("a.txt", { line: 2, lines: 1 })).data).toMatchObject({ content: "2\n", totalLines: 3 });
  expect((await read("a.txt", { line: 2 })).data).toMatchObject({ content: "2\n3\n", complete: true });
  expect((await read("empty.txt")).data).toMatchObject({ content: "", lines: 0, totalLines: 0 });
  expect((await read("long.txt")).data.next).toMatch(/^Line 1 is too long/);
  await on.write("a.bin", "/wA=", { encoding: "base64" });
  expect((await read("a.bin")).data).toMatchObject({ content: "/wA=", encoding: "base64", complete: true });
  await on.write("large.bin", Buffer.alloc(200_000, 0xff).toString("base64"), { encoding: "base64" });
  expect((await read("large.bin")).data).toMatchObject({
    complete: false,
    next: expect.stringMatching(/first \d+/),
  });
  writeFileSync(on.scene.at("huge"), "");
  truncateSync(on.scene.at("huge"), 2 ** 30);
  expect((await read("huge")).text).toMatch(/^TooLarge: huge has \d+ bytes[\s\S]*search_staged/);
});

test("list_staged: a directory, in pages, with what is below", async () => {
  await using on = await agentOn({ "d/a": "a\n", "d/e/b": "b\n", c: "c\n" });
  const list = async (more = {}) => (await on.call("list_staged", more)).data;
  const names = (data: { entries: { path: string }[] }) => data.entries.map((entry) => entry.path);
  expect(names(await list({ path: "d" }))).toEqual(["d/a", "d/e"]);
  expect(names(await list({ path: "d", recursive: true }))).toContain("d/e/b");
  const first = await list({ recursive: true, limit: 2 });
  const second = await list({ recursive: true, limit: 100, after: first.after });
  expect(new Set([...names(first), ...names(second)])).toEqual(
    new Set(names(await list({ recursive: true }))),
  );
});

test("a change that was cut off, one of a file that was read differently, and a session that is not of here", async () => {
  await using on = await agentOn();
  const cut = await on.write("new.txt", "half", { expectedBytes: 8 });
  expect(cut.text).toMatch(/^InvalidParams: The content has 4 bytes, not 8.*\nNext: It was cut off/);
  const { hash } = (await on.call("read_staged", { path: "a.txt" })).data;
  await on.write("a.txt", "now\n", { baseHash: hash });
  const again = await on.write("a.txt", "then\n", { baseHash: hash });
  expect(again.text).toMatch(/^Stale: [\s\S]*read_staged it again/);
  const made = await on.write("new.txt", "new\n", { createOnly: true, mode: 0o755 });
  expect(made.data.patches).toMatchObject([{ path: "new.txt", kind: "create" }]);
  const twice = {
    path: "a.txt",
    edits: [{ oldText: "n", newText: "N", replaceAll: true }],
    breakHardLinks: true,
  };
  expect((await on.call("stage_edit", twice)).isError).toBe(false);
  const begin = "*** Begin Patch\n*** Add File: by-patch.txt\n+patched\n*** End Patch\n";
  expect((await on.call("stage_patch", { patch: begin })).data.patches).toMatchObject([
    { path: "by-patch.txt" },
  ]);

  const other = path.join(on.scene.home.directory, `other${crypto.randomUUID()}`);
  mkdirSync(other);
  const { workspace } = await on.scene.reviewer.call("workspace/open", { root: other });
  const foreign = await on.scene.reviewer.openSession({ workspace: workspace.id });
  const refused = await on.call("session_status", { key: undefined, session: foreign.id });
  expect(refused.text).toMatch(/^SessionNotFound: /);
  expect((await on.call("session_status", { key: crypto.randomUUID() })).text).toMatch(
    /^SessionNotFound: No session has the key/,
  );
});

test("where nothing is open, every tool says who opens it", async () => {
  const plain = path.join(stage().home.directory, "closed");
  mkdirSync(plain);
  await using agent = await mcpInProcess(stage().home, { cwd: plain });
  const { text, isError } = await agent.call("stage_write", { path: "a", content: "a", key: "k".repeat(9) });
  expect(isError).toBe(true);
  expect(text).toContain(`iopipectl open ${plain}`);
});
