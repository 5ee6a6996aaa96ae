/**
 * The dry run of an apply: whatever it says is what the apply then does, and in that order, after whatever somebody has
 * done to the tree since. What is refused is refused for something that the dry run named.
 */
import { linkSync, mkdirSync, symlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { type ChangeInput, isKind } from "../../client/index.ts";
import { MIXED_CHANGES, MIXED_FILES } from "./mixed.ts";
import { snapshot } from "./repository.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();

interface Case {
  readonly changes?: readonly ChangeInput[];
  /** What somebody does before or after it is staged. */
  readonly before?: (scene: Scene) => unknown;
  readonly after?: (scene: Scene) => unknown;
  /** The kind that both name; none where it is applied. */
  readonly refused?: string;
}

const CASES: Readonly<Record<string, Case>> = {
  "nothing happened": {},
  "a file where a directory must come": { after: ({ write }) => write("new", "file\n"), refused: "NotAFile" },
  "a file further up": {
    changes: [{ kind: "write", path: "x/y/z", content: "z\n" }],
    after: ({ write }) => write("x", "file\n"),
    refused: "NotAFile",
  },
  "a link where a directory must come": {
    after: ({ at }) => symlinkSync("a", at("new")),
    refused: "PathEscape",
  },
  "a directory where a file must come": {
    after: ({ at }) => mkdirSync(at("new/deep/x.txt"), { recursive: true }),
    refused: "Stale",
  },
  "an edit": { after: ({ write }) => write("a/one.txt", "edited\n"), refused: "Stale" },
  "a second name": { after: ({ at }) => linkSync(at("b/two.txt"), at("second")), refused: "HardLinked" },
  "two names of one file, both changed": {
    before: ({ at }) => linkSync(at("a/one.txt"), at("second")),
    changes: ["a/one.txt", "second"].map((path) => ({
      ...{ kind: "write", path, content: `${path}\n`, breakHardLinks: true },
    })),
    refused: "Conflict",
  },
  "a file over 1 MiB": {
    changes: [{ kind: "write", path: "large", content: "large\n".repeat(300_000) }],
    refused: "ConfirmationRequired",
  },
  "nothing staged": { changes: [], refused: "IllegalState" },
};

test.each(Object.entries(CASES))("%s", async (_, { changes = MIXED_CHANGES, before, after, refused }) => {
  const scene = await openScene({ files: MIXED_FILES, on: stage() });
  before?.(scene);
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  if (changes.length > 0) await session.stage(changes);
  after?.(scene);
  const tree = snapshot(scene.root, { times: true });
  const { wouldApply, order, problems } = await session.check();
  expect(wouldApply).toBe(refused === undefined);
  expect([...new Set(problems.map(({ kind }) => kind))]).toEqual(refused === undefined ? [] : [refused]);
  expect(snapshot(scene.root, { times: true })).toEqual(tree);

  const { digest } = (await session.get()).session;
  const applied = await session.apply(digest).catch((error) => {
    expect(isKind(error) && error.kind).toBe(refused);
    expect(problems.map(({ message }) => message)).toContain(error.message);
  });
  if (applied) expect(applied.operation.files.map(({ path }) => path)).toEqual(order);
  expect(applied === undefined).toBe(refused !== undefined);
});
