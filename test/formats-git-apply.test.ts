/** unifiedDiff beside `git apply`, over the table of formats/diff-cases.ts: the same verdict and result, or a reason. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { isKind } from "../protocol/wire/errors.ts";
import { type DiffCase, FILES, GROUPS } from "./formats/diff-cases.ts";
import { stagedTree } from "./formats/staged-tree.ts";
import { makeScene, treeOf } from "./staging-scene.ts";

const LINK = "-> ";

/** The tree that git makes of it; undefined where it refuses. */
function byGit(diff: string | Buffer): Record<string, string> | undefined {
  const root = mkdtempSync(path.join(os.tmpdir(), "iopipe-apply-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(FILES)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    if (String(content).startsWith(LINK))
      symlinkSync(String(content).slice(LINK.length), path.join(root, name));
    else writeFileSync(path.join(root, name), content);
  }
  const patch = path.join(root, ".git-patch");
  writeFileSync(patch, diff);
  const env = {
    ...process.env,
    GIT_CEILING_DIRECTORIES: path.dirname(root),
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_SYSTEM: "/dev/null",
  };
  try {
    execFileSync("git", ["apply", "--whitespace=nowarn", patch], { cwd: root, env, stdio: "pipe" });
  } catch {
    return undefined;
  }
  rmSync(patch);
  return treeOf(root);
}

interface Verdict {
  readonly verdict: string;
  readonly tree?: Record<string, string>;
  readonly exactness: readonly string[];
}

async function byIopipe(diff: string | Buffer): Promise<Verdict> {
  const scene = makeScene();
  for (const [name, content] of Object.entries(FILES)) {
    if (String(content).startsWith(LINK)) scene.link(name, String(content).slice(LINK.length));
    else scene.write(name, content);
  }
  const before = treeOf(scene.root);
  try {
    const patches = await scene.stage({
      kind: "unifiedDiff",
      textBase64: Buffer.from(diff as string).toString("base64"),
    });
    const inexact = patches.flatMap(({ findings: { match = [] } }) =>
      match.map(({ exactness }) => exactness),
    );
    return {
      verdict: "takes",
      tree: await stagedTree(scene),
      exactness: [...new Set(inexact.filter((each) => each !== "exact"))],
    };
  } catch (error) {
    if (!isKind(error)) throw error;
    return { verdict: error.kind, exactness: [] };
  } finally {
    expect(treeOf(scene.root), "the tree while staging").toEqual(before);
  }
}

describe.each(Object.entries(GROUPS))("%s", (_, cases) => {
  test.each<[string, DiffCase]>(cases.map((each) => [each.name, each]))("%s", async (_, each) => {
    const git = byGit(each.diff);
    const { verdict, tree, exactness } = await byIopipe(each.diff);
    expect({ git: git ? "takes" : "refuses", iopipe: verdict }).toEqual({
      git: each.git,
      iopipe: each.iopipe,
    });
    expect(exactness).toEqual(each.exactness ?? []);
    const isSame = (git === undefined) === (tree === undefined) && (!git || !tree || same(git, tree));
    expect(isSame ? "no reason" : "a reason", each.why).toBe(
      each.why === undefined ? "no reason" : "a reason",
    );
    if (git && tree && each.why === undefined) expect(tree).toEqual(git);
  });
});

function same(a: Record<string, string>, b: Record<string, string>): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}

test("the table has at least sixty cases, each of its own", () => {
  const names = Object.values(GROUPS).flatMap((cases) => cases.map(({ name }) => name));
  expect(names.length).toBeGreaterThanOrEqual(60);
  expect(new Set(names).size).toBe(names.length);
});
