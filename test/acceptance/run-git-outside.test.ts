/**
 * Git's directory outside the workspace: of a worktree, of a submodule, of a repository that the workspace is a part of.
 * What a command does to it stays in the layer, as it does where `.git` is below the root; for each user.
 */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canMount } from "../fixture/small-disk.ts";
import { canLayer } from "./layers.ts";
import { snapshot } from "./repository.ts";
import { openUserScene, USERS, type UserScene } from "./users.ts";

const FILES = { a: "a\n", "part/b": "b\n" };

const COMMIT =
  "echo x > f; git add f; git -c user.name=x -c user.email=x@y commit -qm x; git log --format=%s -1";

interface Outside {
  /** Where `run` is started. */
  readonly root: string;
  /** Git's directory, with the common one. */
  readonly git: string;
}

/** A bare repository with a worktree inside. */
function inBare(scene: UserScene, name: string): Outside {
  const git = `${scene.root}-${name}`;
  scene.native(scene.root, "git", "clone", "--bare", scene.root, git);
  scene.native(git, "git", "worktree", "add", "-b", "inside", "main");
  return { root: path.join(git, "main"), git };
}

/** Git directories outside of a root, each as git itself makes it; the scene's repository is the one that they belong to. */
const KINDS: [string, (scene: UserScene) => Outside][] = [
  [
    "a worktree",
    (scene) => {
      const root = `${scene.root}-a work'tree, $(odd)\\:\n*`;
      scene.native(scene.root, "git", "worktree", "add", "-b", "side", root);
      return { root, git: scene.at(".git") };
    },
  ],
  [
    "a submodule",
    (scene) => {
      const source = `${scene.root}-source`;
      scene.native(scene.root, "git", "clone", scene.root, source);
      const allowed = ["-c", "protocol.file.allow=always"];
      scene.native(scene.root, "git", ...allowed, "submodule", "add", source, "sub");
      return { root: scene.at("sub"), git: scene.at(".git/modules/sub") };
    },
  ],
  ["a part of a repository", (scene) => ({ root: scene.at("part"), git: scene.at(".git") })],
  ["a worktree in a bare repository", (scene) => inBare(scene, "bare")],
  [
    "a link to git's directory",
    (scene) => {
      const [root, git] = [`${scene.root}-linked`, `${scene.root}-git`];
      scene.native(scene.root, "git", "clone", scene.root, root);
      renameSync(path.join(root, ".git"), git);
      symlinkSync(git, path.join(root, ".git"));
      return { root, git };
    },
  ],
];

/** What nothing may change: git's directory but for the workspace itself, which may be in it. */
const untouched = ({ root, git }: Outside) =>
  Object.entries(snapshot(git, { times: true })).filter(
    ([file]) => !`${path.join(git, file)}/`.startsWith(`${root}/`),
  );

/** A worktree of the scene's repository, open as a workspace. */
async function openWorktree(scene: UserScene): Promise<Outside> {
  const root = `${scene.root}-worktree`;
  scene.native(scene.root, "git", "worktree", "add", root);
  await scene.ctl("open", root);
  return { root, git: scene.at(".git") };
}

describe.runIf(canLayer).each(USERS)("as $name", (user) => {
  let scene: UserScene;
  beforeAll(() => {
    scene = openUserScene(user, { ...FILES, "cache/old": "old\n" });
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  test.each(KINDS)("a commit in %s is not a real one", async (_, make) => {
    const outside = make(scene);
    const { root } = outside;
    scene.own();
    const head = () => scene.git(["-C", root, "-c", "safe.directory=*", "rev-parse", "HEAD"]);
    await scene.ctl("open", root);
    const before = { head: head(), git: untouched(outside) };

    const { code, stdout, stderr } = await scene.ctl("run", "--workspace", root, "--", "sh", "-c", COMMIT);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "x\n", stderr: expect.any(String) });
    expect(stderr).toMatch(/not staged: \.git: '.*' belongs to git \(.*objects.*\)/);
    expect(stderr).toContain("1 change is staged");
    expect({ head: head(), git: untouched(outside) }).toEqual(before);
    const layers = path.join(scene.home.locations.stateDir, "layers");
    expect(readdirSync(layers)).toEqual([]);

    const harms = `${COMMIT}; rm -rf .git`;
    const verified = await scene.ctl("verify", "--workspace", root, "--", "sh", "-c", harms);
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining("x\n") });
    expect({ head: head(), git: untouched(outside) }).toEqual(before);
    expect(readdirSync(layers)).toEqual([]);

    expect(await scene.ctl("apply", "--workspace", root, "--yes")).toMatchObject({ code: 0 });
    expect(readFileSync(path.join(root, "f"), "utf8")).toBe("x\n");
    expect(head()).toBe(before.head);
  });

  test("what passes through does so where the workspace is in git's directory", async () => {
    const { root, git } = inBare(scene, "passing");
    await scene.ctl("open", root);
    const before = readFileSync(path.join(git, "worktrees/main/index"));
    const script = `echo new > cache/new; ${COMMIT}; readlink /proc/$$/fd/[3-9]; true`;
    const flags = ["--workspace", root, "--pass-through", path.join(root, "cache")];
    const { code, stdout, stderr } = await scene.ctl("run", ...flags, "--", "sh", "-c", script);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "x\n" });
    expect(stderr).toContain("1 change is staged");
    expect(readFileSync(path.join(root, "cache/new"), "utf8")).toBe("new\n");
    expect(readFileSync(path.join(git, "worktrees/main/index"))).toEqual(before);
  });

  test("what is no git directory is as it was, though `.git` says that it is one", async () => {
    const [root, outside] = [`${scene.root}-bogus`, `${scene.root}-outside`];
    for (const directory of [root, outside]) mkdirSync(directory);
    writeFileSync(path.join(root, ".git"), `gitdir: ${outside}\n`);
    scene.own();
    await scene.ctl("open", root);
    const script = `echo real > '${outside}/file'; echo x > x`;
    const { code, stderr } = await scene.ctl("run", "--workspace", root, "--", "sh", "-c", script);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^iopipe: 1 change is staged/),
    });
    expect(readFileSync(path.join(outside, "file"), "utf8")).toBe("real\n");
  });

  test("a copy says that it does not cover it", async () => {
    const { root, git } = await openWorktree(scene);
    const copied = ["--workspace", root, "--trusted", "--backend", "copy"];
    const { code, stderr } = await scene.ctl("run", ...copied, "--", "true");
    const said = `a commit is a real one: git's directory ${git} is not covered (this runs in a copy`;
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(said) });
  });
});

describe.runIf(canLayer && canMount)("what is mounted", () => {
  const user = USERS.at(-1) as (typeof USERS)[number];

  test("below git's directory keeps it from being covered, and that is said", async () => {
    await using scene = openUserScene(user, FILES);
    const { root, git } = await openWorktree(scene);
    const below = path.join(git, "below");
    mkdirSync(below);
    execFileSync("mount", ["-t", "tmpfs", "iopipe-test", below]);
    try {
      const { code, stderr } = await scene.ctl("run", "--workspace", root, "--", "true");
      const said = `git's directory ${git} is not covered (something is mounted below it)`;
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(said) });
    } finally {
      execFileSync("umount", [below]);
    }
  });

  test("in its place, and can have no overlay, is read-only", async () => {
    await using scene = openUserScene(user, FILES);
    const { root, git } = await openWorktree(scene);
    // The kernel stacks no more than two.
    const stack = ["1", "2"].map((name) => path.join(scene.home.directory, "stack", name));
    for (const at of stack) {
      for (const name of ["upper", "work"]) mkdirSync(path.join(at, name), { recursive: true });
      execFileSync("chown", ["--reference", git, path.join(at, "upper")]);
      const layers = `lowerdir=${git},upperdir=${at}/upper,workdir=${at}/work`;
      execFileSync("mount", ["-t", "overlay", "iopipe-test", git, "-o", layers]);
    }
    try {
      const { code, stderr } = await scene.ctl("run", "--workspace", root, "--", "sh", "-c", COMMIT);
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("read-only here") });
      expect(stderr).toContain("Read-only file system");
      expect(existsSync(path.join(git, "worktrees/repository-worktree/index.lock"))).toBe(false);
    } finally {
      for (const _ of stack) execFileSync("umount", [git]);
    }
  });
});
