/** Trees as they are: no repository, names that are not UTF-8, modes that git does not know, files of many MiB. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { snapshot } from "./repository.ts";
import { openScene, sharedStage } from "./scene.ts";

const stage = sharedStage();
const MiB = 1024 * 1024;

test("what is not UTF-8 is left alone, and hides nothing else", async () => {
  await using scene = await openScene({ on: stage() });
  const { reviewer, workspace, root } = scene;
  const bytes = (...names: (string | number)[]) =>
    Buffer.concat(names.map((name) => (typeof name === "string" ? Buffer.from(name) : Buffer.from([name]))));
  mkdirSync(bytes(root, "/directory", 0xff));
  writeFileSync(bytes(root, "/directory", 0xff, "/inside"), "hidden\n");
  writeFileSync(bytes(root, "/file", 0xfe), "hidden\n");
  symlinkSync(bytes("target", 0xff), scene.at("link"));
  await reviewer.call("watch/sync", { workspace });
  const { changes } = await reviewer.call("watch/since", { workspace });
  expect(changes.map((change) => change.path).sort()).toEqual(["link", "src/a.ts", "src/b.ts"]);

  const session = await reviewer.openSession({ workspace });
  const entries = await session.list(undefined, { recursive: true });
  expect(entries.map((entry) => `${entry.type} ${entry.path}`)).toEqual([
    "symlink link",
    "directory src",
    "file src/a.ts",
    "file src/b.ts",
  ]);
  for (const attempt of [session.read("link"), session.delete("link"), session.write("link", "x")])
    await expect(attempt).rejects.toMatchObject({ kind: "NotAFile", data: { path: "link" } });
  await session.write("src/a.ts", "besideThem\n");
  await session.apply((await session.diff()).digest ?? "");
  expect(scene.read("src/a.ts")).toBe("besideThem\n");
});

test("a root need be no repository, nor the top of one", async () => {
  await using scene = await openScene({ on: stage() });
  const { reviewer, home } = scene;
  const plain = path.join(home.directory, "plain");
  mkdirSync(plain);
  writeFileSync(path.join(plain, "a.ts"), "export const a = 1;\n");
  for (const root of [plain, scene.at("src")]) {
    const before = snapshot(root);
    const { workspace } = await reviewer.call("workspace/open", { root });
    const session = await reviewer.openSession({ workspace: workspace.id });
    await session.stage([
      { kind: "edit", path: "a.ts", edits: [{ oldText: "1", newText: "2" }] },
      { kind: "rename", path: "a.ts", to: "moved/a.ts" },
    ]);
    const { diff, digest = "" } = await session.diff();
    expect(diff).toContain("rename from a.ts\nrename to moved/a.ts\n");
    const { clock } = await reviewer.call("watch/sync", { workspace: root });
    const { operation } = await session.apply(digest);
    const { changes } = await reviewer.call("watch/since", { workspace: root, clock });
    expect(changes.map(({ kind, path: file }) => `${kind} ${file}`)).toEqual([
      "deleted a.ts",
      "created moved/a.ts",
    ]);
    await reviewer.call("operation/undo", { operation: operation.id });
    expect(snapshot(root)).toEqual(before);
    await reviewer.call("workspace/close", { workspace: root });
  }
});

test("modes are kept, and come back: none at all, set-user-id, sticky", async () => {
  await using scene = await openScene({ on: stage(), files: { none: "a\n", suid: "b\n", sticky: "c\n" } });
  const { reviewer, workspace } = scene;
  chmodSync(scene.at("none"), 0o000);
  chmodSync(scene.at("suid"), 0o4755);
  chmodSync(scene.at("sticky"), 0o1644);
  const before = scene.tree();
  const session = await reviewer.openSession({ workspace });
  await session.stage([
    { kind: "write", path: "none", content: "A\n" },
    { kind: "write", path: "suid", content: "B\n" },
    { kind: "delete", path: "sticky" },
    { kind: "write", path: "new", content: "N\n", mode: 0o2750 },
  ]);
  const { diff, digest = "" } = await session.diff();
  scene.git(["apply", "--check"], diff);
  const { operation } = await session.apply(digest);
  expect(scene.tree()).toEqual({ none: "0 A\n", suid: "4755 B\n", new: "2750 N\n" });
  await reviewer.call("operation/undo", { operation: operation.id });
  expect(scene.tree()).toEqual(before);
});

test("files of some MiB go there and back, and are told once", async () => {
  const files = { big: "b".repeat(2 * MiB), gone: "g".repeat(2 * MiB) };
  await using scene = await openScene({ on: stage(), files });
  const { reviewer, workspace } = scene;
  const before = scene.tree();
  await reviewer.call("watch/sync", { workspace });
  const client = await scene.raw("reviewer");
  await client.request("watch/subscribe", { workspace });
  const session = await reviewer.openSession({ workspace });
  const content = "c".repeat(3 * MiB);
  await session.stage([
    { kind: "write", path: "big", content },
    { kind: "write", path: "new", content },
    { kind: "delete", path: "gone" },
  ]);
  const { digest } = (await session.get()).session;
  const { operation } = await session.apply(digest, { confirmFullReplace: true });
  expect(scene.tree()).toEqual({ big: `644 ${content}`, new: `644 ${content}` });
  await reviewer.call("watch/sync", { workspace });
  const { operation: undo } = await reviewer.call("operation/undo", { operation: operation.id });
  expect(scene.tree()).toEqual(before);
  await reviewer.call("watch/sync", { workspace });
  scene.write("last", "by hand\n");

  const seen: string[] = [];
  while (!seen.includes("created last undefined"))
    for (const change of (await client.next()).params.changes)
      seen.push(`${change.kind} ${change.path} ${change.operation}`);
  expect(seen.sort()).toEqual(
    [
      ...["modified big", "created new", "deleted gone"].map((line) => `${line} ${operation.id}`),
      ...["modified big", "deleted new", "created gone"].map((line) => `${line} ${undo?.id}`),
      "created last undefined",
    ].sort(),
  );
});
