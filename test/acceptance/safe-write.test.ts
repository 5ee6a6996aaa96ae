/**
 * safeWrite and the way of a write: staged where a daemon serves the workspace, plain where iopipe is switched off or a
 * layer catches it, else an error. Through the library, on the real daemon.
 */
import { mkdirSync, readFileSync, realpathSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { safeWrite } from "../../client/index.ts";
import { wayOf } from "../../client/way.ts";
import { runInProcess } from "../fixture/in-process.ts";
import { testHome } from "../fixture/server.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();
beforeEach(() => {
  for (const [name, value] of Object.entries(stage().home.env)) vi.stubEnv(name, value);
});
afterEach(() => vi.unstubAllEnvs());

const scenario = (): Promise<Scene> => openScene({ on: stage(), files: { "a.txt": "a\n", tool: "t\n" } });
const ctl = (scene: Scene, args: string[]) => runInProcess(scene.home, args, { cwd: scene.root });

test("where a daemon serves the workspace a write is staged, all of a process in one session", async () => {
  await using scene = await scenario();
  const before = scene.tree();
  const first = await safeWrite(path.join(scene.root, "a.txt"), "A\n");
  expect(first).toMatchObject({ way: "staged", path: "a.txt", workspace: { id: scene.workspace } });
  const inNewDirectory = pathToFileURL(path.join(scene.root, "new/b.bin"));
  const second = await safeWrite(inNewDirectory, new Uint8Array([0, 255]), { mode: 0o700, note: "why" });
  const third = await safeWrite(path.join(scene.root, "tool"), "/w==", "base64");
  if (first.way !== "staged" || second.way !== "staged" || third.way !== "staged")
    throw new Error("not staged");
  expect([second.session, third.session]).toEqual([first.session, first.session]);
  expect(scene.tree()).toEqual(before);

  const { session, patches } = await scene.reviewer.call("session/get", { session: first.session });
  expect(patches.map(({ id }) => id)).toEqual([first.patch, second.patch, third.patch]);
  expect(patches[1]).toMatchObject({ note: "why", after: { mode: 0o700 } });
  await scene.reviewer.call("session/apply", { session: session.id, expectedDigest: session.digest });
  expect(readFileSync(path.join(scene.root, "new/b.bin"))).toEqual(Buffer.from([0, 255]));
  expect(readFileSync(path.join(scene.root, "tool"))).toEqual(Buffer.from([255]));

  const same = await safeWrite(path.join(scene.root, "a.txt"), "A\n");
  expect(same).not.toHaveProperty("patch");
  expect(same).not.toMatchObject({ session: first.session });
});

test("a session can be named, by option or environment, and is never one of another workspace", async () => {
  await using scene = await scenario();
  await using other = await scenario();
  const { id } = await scene.proposer.openSession({ workspace: scene.workspace });
  const file = path.join(scene.root, "a.txt");
  expect(await safeWrite(file, "1\n", { session: id })).toMatchObject({ session: id });
  vi.stubEnv("IOPIPE_SESSION", id);
  expect(await safeWrite(file, "2\n", { connection: scene.proposer })).toMatchObject({ session: id });
  const elsewhere = safeWrite(path.join(other.root, "a.txt"), "3\n");
  await expect(elsewhere).rejects.toMatchObject({
    kind: "InvalidParams",
    message: expect.stringContaining(id),
  });
  const keyed = await safeWrite(path.join(other.root, "a.txt"), "3\n", { session: "", key: "a key" }).catch(
    (error) => error,
  );
  expect(keyed).toMatchObject({ kind: "SessionNotFound" });
});

test("a path means the file that fs.writeFile would mean, whatever links lead to it", async () => {
  await using scene = await scenario();
  await using other = await scenario();
  const link = path.join(scene.home.directory, `link${scene.workspace}`);
  symlinkSync(path.join(scene.root), link);
  mkdirSync(path.join(other.root, "deep"));
  symlinkSync(path.join(other.root, "deep"), path.join(scene.root, "away"));
  const connected = async () => scene.proposer;
  expect(await wayOf(`${link}/x/y`, connected)).toMatchObject({
    path: "x/y",
    workspace: { id: scene.workspace },
  });
  // `..` behind a link is the link's target's.
  const behind = await wayOf(`${scene.root}/away/../a.txt`, connected);
  expect(behind).toMatchObject({ path: "a.txt", workspace: { id: other.workspace } });
  const relative = path.relative(process.cwd(), path.join(scene.root, "a.txt"));
  expect(await wayOf(relative, connected)).toMatchObject({ path: "a.txt" });
});

test.each(["staged", "plain"])(
  "%s, any view gives all of its bytes; what is neither text nor bytes is refused",
  async (way) => {
    await using scene = await scenario();
    if (way === "plain") vi.stubEnv("IOPIPE_DISABLE", "1");
    const given = [
      new Uint16Array([1, 2]),
      new DataView(new ArrayBuffer(8), 2, 4),
      5,
      null,
    ] as unknown as Uint8Array[];
    const [view, part, ...others] = given as [Uint8Array, Uint8Array, ...Uint8Array[]];
    const sizes: (number | undefined)[] = [];
    for (const data of [view, part]) {
      const written = await safeWrite(scene.at("view"), data);
      if (written.way !== "staged") sizes.push(statSync(scene.at("view")).size);
      else sizes.push((await scene.reviewer.session(written.session).read("view")).bytes.length);
    }
    expect(sizes).toEqual([4, 4]);
    for (const data of others) await expect(safeWrite(scene.at("other"), data)).rejects.toThrow();
  },
);

test("IOPIPE_DISABLE=1 writes plainly, and asks no daemon", async () => {
  await using home = testHome();
  for (const [name, value] of Object.entries(home.env)) vi.stubEnv(name, value);
  vi.stubEnv("IOPIPE_DISABLE", "1");
  const file = path.join(realpathSync(home.directory), "file");
  expect(await safeWrite(file, "äb\n", { mode: 0o640, encoding: "latin1" })).toEqual({
    ...{ way: "plain", because: "IOPIPE_DISABLE", file },
  });
  expect(readFileSync(file)).toEqual(Buffer.from("äb\n", "latin1"));
  expect(statSync(file).mode & 0o777).toBe(0o640);
  await expect(safeWrite(path.join(file, "below"), "")).rejects.toMatchObject({ code: "ENOTDIR" });
  const deep = path.join(path.dirname(file), "new/dir/f");
  await safeWrite(deep, "in new directories\n");
  expect(readFileSync(deep, "utf8")).toBe("in new directories\n");
  symlinkSync("nowhere/dir/f", path.join(path.dirname(file), "leads"));
  const behind = safeWrite(path.join(path.dirname(file), "leads"), "");
  await expect(behind).rejects.toMatchObject({
    code: "ENOENT",
    path: path.join(path.dirname(file), "leads"),
  });
});

test("disable and enable switch a workspace over; what is pending stays, and a restart forgets nothing", async () => {
  await using scene = await openScene({ killable: true });
  for (const [name, value] of Object.entries(scene.home.env)) vi.stubEnv(name, value);
  const file = path.join(scene.root, "src/a.ts");
  const pending = await safeWrite(file, "staged\n");
  expect((await ctl(scene, ["disable"])).stdout).toContain("What is pending stays");
  expect(await safeWrite(file, "plain\n")).toMatchObject({ way: "plain", because: "disabled" });
  expect(readFileSync(file, "utf8")).toBe("plain\n");
  const shown = await ctl(scene, ["status"]);
  expect(shown.stdout).toContain("Switched off");
  expect(shown.stdout).toContain((pending.way === "staged" ? pending.session : "").slice(0, 10));

  await scene.end();
  await scene.start();
  const { workspaces } = await scene.proposer.call("workspace/list", {});
  expect(workspaces).toMatchObject([{ disabled: true }]);
  await expect(scene.proposer.call("workspace/enable", { workspace: scene.workspace })).rejects.toMatchObject(
    { kind: "NotPermitted" },
  );
  expect((await ctl(scene, ["enable"])).stdout).toContain("switched on");
  expect(await safeWrite(file, "staged again\n")).toMatchObject({ way: "staged" });
});

test("the policy's flag switches off once it is trusted, and no longer than its bytes stay", async () => {
  await using scene = await scenario();
  const file = path.join(scene.root, "a.txt");
  const policy = path.join(scene.root, ".iopipe.jsonc");
  writeFileSync(policy, '{ "io_pipeline_v1": false }\n');
  expect(await safeWrite(file, "1\n")).toMatchObject({ way: "staged" });
  expect((await ctl(scene, ["trust", "--yes"])).code).toBe(0);
  expect(await safeWrite(file, "2\n")).toMatchObject({ way: "plain", because: "io_pipeline_v1" });
  expect((await ctl(scene, ["status"])).stdout).toContain("by the policy");
  expect((await ctl(scene, ["enable"])).stdout).toContain("stays switched off by its policy");
  writeFileSync(policy, '{ "io_pipeline_v1": false, "never": ["x"] }\n');
  expect(await safeWrite(file, "3\n")).toMatchObject({ way: "staged" });
});

test("in a layer a write below its root is plain, and outside of it what it is elsewhere", async () => {
  await using scene = await scenario();
  await using other = await scenario();
  vi.stubEnv("IOPIPE_LAYER", scene.root);
  const file = path.join(scene.root, "a.txt");
  expect(await safeWrite(file, "layer\n")).toEqual({ way: "layer", root: scene.root, file });
  expect(scene.read("a.txt")).toBe("layer\n");
  await safeWrite(path.join(scene.root, "new/dir/b.txt"), "b\n");
  expect(scene.read("new/dir/b.txt")).toBe("b\n");
  expect(await safeWrite(path.join(other.root, "a.txt"), "1\n")).toMatchObject({ way: "staged" });
});

test("outside of every workspace, and for all but whole files, it is an error with the next step", async () => {
  await using scene = await scenario();
  const outside = path.join(scene.home.directory, "outside");
  await expect(safeWrite(outside, "x")).rejects.toMatchObject({
    kind: "WorkspaceNotFound",
    message: expect.stringContaining("outside"),
    data: { hint: expect.stringContaining("iopipectl open DIR") },
  });
  expect(() => statSync(outside)).toThrow();
  const appended = safeWrite(path.join(scene.root, "a.txt"), "x", { flag: "a" } as object);
  await expect(appended).rejects.toMatchObject({ kind: "InvalidParams" });
  await expect(safeWrite(path.join(scene.root, ".git/config"), "x")).rejects.toMatchObject({
    kind: "PathProtected",
  });
  const aborted = safeWrite(path.join(scene.root, "a.txt"), "x", { signal: AbortSignal.abort() });
  await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
});

test("many writes at once share a connection, and leave none behind", async () => {
  await using scene = await scenario();
  const files = Array.from({ length: 50 }, (_, n) => path.join(scene.root, `f${n}`));
  const written = await Promise.all(files.map((file) => safeWrite(file, file)));
  expect(new Set(written.map((each) => each.way === "staged" && each.session)).size).toBe(1);
  const { connections } = await scene.reviewer.call("daemon/status", {});
  expect(connections).toBeLessThanOrEqual(3);
});

test("writes of one key are one session, whoever makes them; calls at the same time share a connection", async () => {
  await using scene = await scenario();
  const key = crypto.randomUUID();
  const write = (file: string, agent?: string) =>
    safeWrite(path.join(scene.root, file), "x\n", { key, title: "By key", ...(agent && { agent }) });
  const made = await Promise.all([write("a.txt", "one"), write("new.txt"), write("tool", "two")]);
  expect(new Set(made.map((each) => each.way === "staged" && each.session)).size).toBe(1);
  const aborted = safeWrite(path.join(scene.root, "a.txt"), "y\n", { signal: AbortSignal.abort() });
  await expect(aborted).rejects.toThrow(/abort/i);
});

test("a daemon that cannot be reached is an error of each of the calls, and nothing is written", async () => {
  await using scene = await scenario();
  const closed = path.join(scene.home.directory, "closed");
  writeFileSync(closed, "");
  vi.stubEnv("IOPIPE_RUNTIME_DIR", path.join(closed, "run"));
  const calls = ["a.txt", "tool"].map((file) => safeWrite(path.join(scene.root, file), "x\n"));
  for (const call of calls)
    await expect(call).rejects.toMatchObject({ kind: "IoFailed", data: { errno: "ENOTDIR" } });
  expect(scene.read("a.txt")).toBe("a\n");
});
