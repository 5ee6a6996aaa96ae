/**
 * The dry run of an undo: whatever it says is what the undo then does, and it changes nothing. Every way of asking (whole
 * and by path; refuse, skip and stage) over an operation of eight files that somebody has edited since in different ways.
 */
import { chmodSync, linkSync, mkdirSync, symlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { isKind } from "../../protocol/wire/errors.ts";
import { MIXED_CHANGES, MIXED_FILES, prepareMixed } from "./mixed.ts";
import { type Snapshot, snapshot } from "./repository.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();

/** What somebody does after the operation. */
const LATER: Readonly<Record<string, (scene: Scene) => unknown>> = {
  nothing: () => undefined,
  "an edit": ({ write }) => write("a/one.txt", "ONE\nby hand\n"),
  "an edit beside a file that the operation made": ({ write }) => write("new/deep/mine.txt", "mine\n"),
  "an edit of a renamed file": ({ write }) => write("c/renamed.txt", "edited\n"),
  "a file where one was deleted": ({ write }) => write("gone/last.txt", "made again\n"),
  "a directory in place of a file": ({ remove, at }) => {
    remove("b/two.txt");
    mkdirSync(at("b/two.txt"));
  },
  "a file taken away": ({ remove }) => remove("new/deep/y.sh"),
  "a link where a directory must come back": ({ at }) => symlinkSync("a", at("gone")),
  "a file where a directory must come back": ({ write }) => write("gone", "a file\n"),
  "another mode": ({ at }) => chmodSync(at("a/run.sh"), 0o700),
  "a second name": ({ at }) => linkSync(at("b/two.txt"), at("second")),
  "an undo of one path": async ({ reviewer, workspace }) => {
    const { operations } = await reviewer.call("operation/list", { workspace });
    await reviewer.call("operation/undo", { operation: operations[0]?.id ?? "", paths: ["a/one.txt"] });
  },
  "an undo of all": async ({ reviewer, workspace }) => {
    const { operations } = await reviewer.call("operation/list", { workspace });
    await reviewer.call("operation/undo", { operation: operations[0]?.id ?? "" });
  },
  "everything edited": ({ write, at, remove }) => {
    for (const path of ["a/one.txt", "b/two.txt", "new/deep/x.txt", "new/deep/y.sh", "c/renamed.txt"])
      write(path, "edited\n");
    write("gone/last.txt", "edited\n");
    chmodSync(at("a/run.sh"), 0o700);
    remove("link");
    write("link", "no link\n");
  },
};

const PATHS: Readonly<Record<string, object>> = {
  whole: {},
  "by path": { paths: ["a/one.txt", "b/two.txt", "c/renamed.txt"] },
};

/** In this order: each leaves the next something to do, or to be refused for. */
const WAYS: readonly object[] = [{ stage: true }, {}, { onModified: "skip" }, {}];

async function applied(): Promise<{ scene: Scene; operation: string }> {
  const scene = await openScene({ files: MIXED_FILES, on: stage() });
  prepareMixed(scene, chmodSync);
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  await session.stage(MIXED_CHANGES);
  const { operation } = await session.apply((await session.diff()).digest ?? "");
  return { scene, operation: operation.id };
}

/** Everything that an undo could change, times and inodes included. */
async function stateOf({ reviewer, workspace, root }: Scene): Promise<object> {
  const { operations } = await reviewer.call("operation/list", { workspace });
  const { sessions } = await reviewer.call("session/list", { workspace });
  return { tree: snapshot(root, { times: true }), operations, sessions };
}

/** The paths of files and links that differ. */
function differing(before: Snapshot, after: Snapshot): string[] {
  const paths = Object.keys({ ...before, ...after }).filter((path) => !path.endsWith("/"));
  return paths.filter((path) => before[path] !== after[path]).sort();
}

/** Holds an undo asked for like this against its dry run. */
async function hold(scene: Scene, params: { operation: string; stage?: boolean }): Promise<void> {
  const { reviewer } = scene;
  const before = await stateOf(scene);
  const { problems, ...plan } = await reviewer.call("operation/undo", { ...params, dryRun: true });
  expect(await stateOf(scene)).toEqual(before);

  const tree = scene.tree();
  const done = await reviewer.call("operation/undo", params).catch((error: unknown) => {
    if (!isKind(error)) throw error;
    return error;
  });
  if (done instanceof Error) {
    expect(problems).toMatchObject([{ kind: done.kind, message: done.message }]);
    expect(await stateOf(scene)).toEqual(before);
    return;
  }
  expect(problems).toEqual([]);
  expect(plan).toEqual({
    reverted: done.reverted,
    skipped: done.skipped,
    ...(done.conflicted && { conflicted: done.conflicted }),
  });
  const reverted = plan.reverted.toSorted();
  expect(differing(tree, scene.tree())).toEqual(params.stage ? [] : reverted);
  if (!done.session) return;
  expect(await pathsIn(scene, done.session.id)).toEqual(reverted);
  // Else the next undo makes it stale, in its own time.
  await reviewer.call("session/discard", { session: done.session.id });
}

for (const [edit, happens] of Object.entries(LATER))
  for (const [which, paths] of Object.entries(PATHS))
    test(`${which}, after ${edit}: said beforehand, and so it is`, async () => {
      const { scene, operation } = await applied();
      await using _ = scene;
      await happens(scene);
      for (const way of WAYS) await hold(scene, { operation, ...paths, ...way });
    });

async function pathsIn({ reviewer }: Scene, session: string): Promise<string[]> {
  const { patches } = await reviewer.call("session/get", { session });
  return patches.flatMap(({ path, from }) => [path, ...(from === undefined ? [] : [from])]).sort();
}
