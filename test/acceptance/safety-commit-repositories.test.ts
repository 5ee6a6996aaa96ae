/** The hidden commit of an apply in repositories of all kinds: there is one, or why not, and git's own stays as it was. */
import * as fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { filesIn, git, made, type SafetyCommit, stateOf } from "./safety-commits.ts";
import { openScene, sharedStage } from "./scene.ts";

const stage = sharedStage();

const write = (path: string, content: string) => ({ kind: "write", path, content }) as const;

async function inDirectory(root: string, prepare: () => void, path = "f") {
  prepare();
  fs.mkdirSync(root, { recursive: true });
  fs.writeFileSync(join(root, path), "old\n");
  const { reviewer } = stage();
  const { workspace } = await reviewer.call("workspace/open", { root });
  const session = await reviewer.openSession({ workspace: workspace.id });
  const { session: staged } = await session.stage([write(path, "new\n")]);
  const { operation, safetyCommit } = await reviewer.call("session/apply", {
    ...{ session: session.id, expectedDigest: staged.digest, safetyCommit: "hidden" },
  });
  expect(operation.state).toBe("committed");
  return safetyCommit as SafetyCommit;
}
const at = (name: string): string => join(stage().home.directory, name);

test("no repository: unavailable, in git's words, and applied all the same", async () => {
  const commit = await inDirectory(at("bare-directory"), () => undefined);
  expect(commit).toEqual({ unavailable: expect.stringContaining("not a git repository") });
  expect(fs.readFileSync(at("bare-directory/f"), "utf8")).toBe("new\n");
});

test("a directory inside one", async () => {
  const top = at("outer");
  const commit = await inDirectory(join(top, "in\nner/ä"), () => {
    fs.mkdirSync(top);
    git(top, "init", "-q");
  });
  expect(git(top, "show", `${made(commit).ref}:in\nner/ä/f`)).toBe("new\n");
});

test("one without a commit", async () => {
  const top = at("unborn");
  const commit = await inDirectory(top, () => {
    fs.mkdirSync(top);
    git(top, "init", "-q");
  });
  const { ref } = made(commit);
  expect(git(top, "rev-list", "--count", ref)).toBe("2\n");
  expect(git(top, "show", `${ref}^:f`)).toBe("old\n");
  expect(git(top, "ls-files")).toBe("");
});

test("a linked work tree", async () => {
  await using scene = await openScene({ on: stage() });
  const linked = at("linked");
  const commit = await inDirectory(linked, () => void git(scene.root, "worktree", "add", "-q", linked));
  expect(git(scene.root, "show", `${made(commit).ref}:f`)).toBe("new\n");
});

/** A repository at `top` with one commit, of the file. */
function repository(top: string, ...init: string[]): void {
  fs.mkdirSync(top, { recursive: true });
  fs.writeFileSync(join(top, "f"), "old\n");
  git(top, "init", "-q", ...init);
  git(top, "add", "f");
  git(top, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-qm", "The file");
}

function objectFile(top: string, name: string): string {
  const hash = git(top, "rev-parse", name).trim();
  return join(top, ".git/objects", hash.slice(0, 2), hash.slice(2));
}

const SOUND: Readonly<Record<string, (top: string) => void>> = {
  "with objects by sha256": (top) => repository(top, "--object-format=sha256"),
  "with hooks elsewhere that allow nothing": (top) => {
    repository(top);
    fs.mkdirSync(join(top, ".git/elsewhere"));
    fs.writeFileSync(join(top, ".git/elsewhere/reference-transaction"), "#!/bin/sh\nexit 1\n", {
      mode: 0o755,
    });
    git(top, "config", "core.hooksPath", join(top, ".git/elsewhere"));
  },
  "where nobody has a name": (top) => {
    repository(top);
    git(top, "config", "user.useConfigOnly", "true");
  },
  "with packed refs that somebody has locked": (top) => {
    repository(top);
    git(top, "pack-refs", "--all");
    fs.writeFileSync(join(top, ".git/packed-refs.lock"), "");
  },
  "that is shallow": (top) => {
    repository(`${top}-whole`);
    git(at("."), "clone", "-q", "--depth=1", `file://${top}-whole`, top);
  },
  "whose objects are another's": (top) => {
    repository(`${top}-whole`);
    git(at("."), "clone", "-q", "--shared", `${top}-whole`, top);
  },
  "with a repository of its own in it": (top) => {
    repository(top);
    repository(join(top, "its-own"));
  },
};

test.each(Object.keys(SOUND))("a repository %s: a commit, and nothing else is touched", async (name) => {
  const top = at(name);
  let before = {};
  const commit = await inDirectory(top, () => {
    SOUND[name]?.(top);
    before = stateOf(top);
  });
  const { ref } = made(commit);
  expect(stateOf(top)).toEqual(before);
  expect(git(top, "diff", "--name-only", "HEAD", ref)).toBe("f\n");
  expect(git(top, "show", `${ref}:f`)).toBe("new\n");
});

const UNFIT: Readonly<Record<string, readonly [why: RegExp, prepare: (top: string) => void]>> = {
  "is bare": [
    /^'.*' is not in the work tree of the git repository .*\.$/,
    (top) => {
      repository(top);
      git(top, "config", "core.bare", "true");
    },
  ],
  "has its work tree elsewhere": [
    /is not in the work tree/,
    (top) => {
      repository(top);
      git(top, "config", "core.worktree", "/usr");
    },
  ],
  "lacks the commit that HEAD names": [
    /^fatal: Not a valid commit: \w+$/,
    (top) => {
      repository(top);
      fs.rmSync(objectFile(top, "HEAD"));
    },
  ],
  "lost its branch's content in a power cut": [
    /^HEAD cannot be read: /,
    (top) => {
      repository(top);
      fs.writeFileSync(join(top, ".git", git(top, "symbolic-ref", "HEAD").trim()), "");
    },
  ],
  "has a commit that is garbage": [
    /corrupt/,
    (top) => {
      repository(top);
      const file = objectFile(top, "HEAD");
      fs.rmSync(file);
      fs.writeFileSync(file, "garbage");
    },
  ],
  "is of a git to come": [
    /^fatal: unknown repository extension found: fromthefuture$/,
    (top) => {
      repository(top);
      git(top, "config", "core.repositoryFormatVersion", "1");
      git(top, "config", "extensions.fromTheFuture", "true");
    },
  ],
  ...(process.getuid?.() === 0 && {
    "is another user's": [
      /^fatal: detected dubious ownership .*safe\.directory/,
      (top: string) => {
        repository(top);
        fs.chownSync(top, 4321, 4321);
        fs.chownSync(join(top, ".git"), 4321, 4321);
      },
    ],
  }),
};

test.each(Object.keys(UNFIT))(
  "a repository that %s: unavailable, why, and nothing is touched",
  async (name) => {
    const top = at(name);
    const [why, prepare] = UNFIT[name] ?? [/never/, () => undefined];
    let before = {};
    const commit = await inDirectory(top, () => {
      prepare(top);
      before = filesIn(join(top, ".git"));
    });
    expect(commit).toEqual({ unavailable: expect.stringMatching(why) });
    expect(filesIn(join(top, ".git"))).toEqual(before);
    expect(fs.readFileSync(join(top, "f"), "utf8")).toBe("new\n");
  },
);

test("a bare repository's own directory: unavailable", async () => {
  const top = at("bare.git");
  const commit = await inDirectory(top, () => {
    fs.mkdirSync(top);
    git(top, "init", "-q", "--bare");
  });
  expect(commit).toEqual({ unavailable: expect.stringContaining("is not in the work tree") });
  expect(git(top, "for-each-ref")).toBe("");
});

test("a submodule: its own repository has the commit; of the one around it there is none", async () => {
  const [top, within] = [at("around"), at("around/in/it")];
  const prepare = (): void => {
    repository(top);
    repository(within);
    git(top, "add", "in/it");
    git(top, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-qm", "A submodule");
  };
  const { ref } = made(await inDirectory(within, prepare));
  expect(git(within, "show", `${ref}:f`)).toBe("new\n");
  expect(git(top, "for-each-ref", "refs/iopipe")).toBe("");
  expect(await inDirectory(top, () => undefined, "in/it/f")).toEqual({
    unavailable: "'in/it' is a submodule, whose files only its own commits have.",
  });
  expect(git(top, "for-each-ref", "refs/iopipe")).toBe("");
});

test("one that cannot be written: unavailable, why, and nothing is left there", async () => {
  const top = at("broken");
  const commit = await inDirectory(top, () => {
    fs.mkdirSync(top);
    git(top, "init", "-q");
    fs.mkdirSync(join(top, ".git/refs"), { recursive: true });
    fs.writeFileSync(join(top, ".git/refs/iopipe"), "in the way");
  });
  expect(commit).toEqual({ unavailable: expect.stringMatching(/refs\/iopipe/) });
  expect(fs.readdirSync(join(top, ".git")).filter((name) => name.startsWith("fast_import"))).toEqual([]);
});
