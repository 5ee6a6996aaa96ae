/**
 * Whatever is staged is what is read, shown, applied and taken back: random changes against a model of what they mean.
 * The model knows files and links by path; directories are there while something is in them.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ChangeInput, isKind, type SessionHandle } from "../../client/index.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();

/** A file as `mode text`, a link as `-> target`: as a snapshot has them. */
type Model = ReadonlyMap<string, string>;

const FILES = { a: "a\n", "d/x": "x\n", "d/y": "y\nyy\n", "e/f/g": "g", "run.sh": "#!/bin/sh\n" };
const INITIAL: Model = new Map(Object.entries(FILES).map(([path, text]) => [path, `644 ${text}`]));

/** Some are files at first, some are nothing, some are below others. */
const PATHS = [...Object.keys(FILES), "n", "d/n", "e/f/h", "m/n/o", "d", "a/b"];

const path = fc.constantFrom(...PATHS);
const text = fc.constantFrom("one\n", "two\r\n", "no newline", "", "\0binary\xff", "y\nyy\nyyy\n");
const change: fc.Arbitrary<ChangeInput> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("write" as const), path, content: text }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("rename" as const), path, to: path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), path }) },
  fc.record({ kind: fc.constant("chmod" as const), path, mode: fc.constantFrom(0o644, 0o755) }),
  fc.record({ kind: fc.constant("symlink" as const), path, target: fc.constantFrom("nowhere", "../a") }),
);
/** Calls of patch/stage, each with one change or several. */
const calls = fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 });

const isLink = (entry: string | undefined): boolean => entry?.startsWith("-> ") ?? false;
const isBelow = (other: string, directory: string): boolean => other.startsWith(`${directory}/`);

/** The tree with the change; undefined where there is no such change to be made. */
function applied(model: Model, change: ChangeInput): Model | undefined {
  const next = new Map(model);
  if (change.kind === "unifiedDiff" || change.kind === "applyPatch" || change.kind === "workspaceEdit")
    return undefined;
  const { path } = change;
  const entry = model.get(path);
  const place = change.kind === "rename" ? change.to : path;
  if (change.kind === "delete") return next.delete(path) ? next : undefined;
  if (change.kind === "rename") {
    if (entry === undefined || model.has(place)) return undefined;
    next.delete(path);
  }
  const blocked = [...next.keys()].some((other) => isBelow(other, place) || isBelow(place, other));
  if (blocked) return undefined;
  if (change.kind === "rename") next.set(place, entry as string);
  if (change.kind === "write") next.set(path, `${entry?.slice(0, 3) ?? "644"} ${change.content}`);
  if (change.kind === "symlink") next.set(path, `-> ${change.target}`);
  if (change.kind === "chmod") {
    if (entry === undefined) return undefined;
    next.set(path, `${change.mode.toString(8)} ${entry.slice(4)}`);
  }
  return next;
}

/** What leads through a link, or writes to one, goes where it leads: another story (staging.test.ts). */
function follows(model: Model, change: ChangeInput): boolean {
  if (!("path" in change)) return false;
  const paths = change.kind === "rename" ? [change.path, change.to] : [change.path];
  const through = [...model].some(
    ([link, entry]) => isLink(entry) && paths.some((file) => isBelow(file, link)),
  );
  return through || ((change.kind === "write" || change.kind === "chmod") && isLink(model.get(change.path)));
}

/** Stages a call where it makes sense; tells what the session must then show. */
async function stageCall(session: SessionHandle, model: Model, call: readonly ChangeInput[]): Promise<Model> {
  let next: Model | undefined = model;
  for (const one of call) {
    if (next && follows(next, one)) return model;
    next = next && applied(next, one);
  }
  const before = (await session.get()).session.digest;
  try {
    await session.stage(call);
  } catch (error) {
    if (!isKind(error)) throw error;
    expect((await session.get()).session.digest).toBe(before);
    // A directory that the session itself has emptied is one until the apply.
    const emptied = isKind(error, "NotAFile") && next !== undefined && takesEmptied(next);
    expect(next === undefined || emptied, `refused: ${JSON.stringify(call)}: ${error.message}`).toBe(true);
    return model;
  }
  expect(next, `accepted: ${JSON.stringify(call)}`).toBeDefined();
  return next ?? model;
}

const takesEmptied = (model: Model): boolean =>
  [...model.keys()].some((file) => Object.keys(FILES).some((old) => isBelow(old, file)));

/** Files and links of a snapshot. */
const filesOf = (scene: Scene): Model =>
  new Map(Object.entries(scene.tree()).filter(([file]) => !file.endsWith("/")));

async function expectRead(session: SessionHandle, model: Model): Promise<void> {
  for (const file of PATHS) {
    const entry = model.get(file);
    if (isLink(entry)) continue;
    const read = await session.read(file).then(
      ({ bytes, image }) => `${image.mode?.toString(8)} ${bytes.toString("latin1")}`,
      (error) => error.kind,
    );
    if (entry === undefined) expect(["FileNotFound", "NotAFile", "PathEscape"], file).toContain(read);
    else expect(read, file).toBe(Buffer.from(entry).toString("latin1"));
  }
  const listed = (await session.list(undefined, { recursive: true })).filter(
    ({ type }) => type === "file" || type === "symlink",
  );
  expect(listed.map((found) => found.path).sort()).toEqual([...model.keys()].sort());
}

test("staged, shown, applied, undone and redone as they mean", { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(calls, async (staged) => {
      await using scene = await openScene({ on: stage(), files: FILES });
      const { reviewer, workspace, git, root } = scene;
      const before = scene.tree();
      const session = await reviewer.openSession({ workspace });
      let model = INITIAL;
      for (const call of staged) model = await stageCall(session, model, call);
      await expectRead(session, model);
      expect(scene.tree()).toEqual(before);

      const { diff, digest = "", files } = await session.diff();
      const same = JSON.stringify([...model].sort()) === JSON.stringify([...INITIAL].sort());
      expect(files.length === 0, "nothing to show where nothing changes").toBe(same);
      if (files.length === 0) return;
      git(["apply", "--check"], diff);
      const { operation } = await session.apply(digest);
      const latin1 = new Map(
        [...model].map(([file, entry]) => [file, Buffer.from(entry).toString("latin1")]),
      );
      expect(filesOf(scene)).toEqual(latin1);
      const after = scene.tree();

      git(["add", "--all"]);
      const tree = git(["write-tree"]);
      git(["read-tree", "HEAD"]);
      git(["apply", "--cached"], diff);
      expect(git(["write-tree"]), `git's own apply in ${root}`).toBe(tree);

      const undone = await reviewer.call("operation/undo", { operation: operation.id });
      expect(scene.tree()).toEqual(before);
      await reviewer.call("operation/undo", { operation: undone.operation?.id ?? "" });
      expect(scene.tree()).toEqual(after);
    }),
    { numRuns: 25, seed: 1 },
  );
});
