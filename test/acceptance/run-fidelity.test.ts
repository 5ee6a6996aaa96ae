/**
 * `iopipectl run` of a command that does everything to a tree, for each user and backend: the tree is untouched before
 * the apply, and after it the same as one in which the command ran by itself.
 */
import { cpSync, lstatSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type Snapshot, snapshot } from "./repository.ts";
import { openUserScene, USERS } from "./users.ts";

const FILES = {
  "src/a.ts": "one\ntwo\nthree\n",
  "src/b.ts": "b\r\nb\r\n",
  "lib/deep/c": "c\n",
  "lib/d": "d\n",
  "docs/x/y": "y\n",
  "docs/z": "z\n",
  "tool.sh": "#!/bin/sh\n",
  "file-to-directory": "f\n",
  "directory-to-file/x": "x\n",
  "directory-to-file/y": "y\n",
  "remade/old": "old\n",
  "remade/same": "same\n",
  "remade/deep/er/old": "older\n",
  "remade/deep/old": "old\n",
  "back-and-forth": "as it was\n",
  "gone/last": "last\n",
  "a name with spaces, $(and) 'more'\n": "odd\n",
  ünïcode: "ü\n",
  ".gitignore": "ignored/\n",
};

const SCRIPT = `
set -e
sed -i s/two/zwei/ src/a.ts
printf 'more' >> src/b.ts
mv lib moved
rm -rf docs
chmod 755 tool.sh
chmod 640 moved/d
ln -s ../src/a.ts moved/link
ln -s nowhere dangling
mv file-to-directory kept; mkdir file-to-directory; mv kept file-to-directory/inside
rm -r directory-to-file; echo file > directory-to-file
rm -r remade; mkdir remade; echo same > remade/same; echo new > remade/new
mkdir -p remade/deep/er; echo new > remade/deep/new
echo else > back-and-forth; printf 'as it was\\n' > back-and-forth
rm gone/last
mv 'ünïcode' 'höher'
: > empty; chmod 600 empty
mkdir -p ignored; echo i > ignored/i
touch -d '2001-02-03 04:05:06' moved/deep/c
mkfifo pipe
echo secret > writeonly; chmod 200 writeonly
head -c 209715200 /dev/zero | tr '\\0' x > large
mkdir many; i=0; while [ $i -lt 5000 ]; do echo $i > many/$i; i=$((i+1)); done
git add -A && git -c user.name=x -c user.email=x@y commit -qm attempt || true
`;

/** Everything that a look can tell, git's own files too: nothing was touched, not even in passing. */
function untouched(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (directory: string): void => {
    for (const name of readdirSync(path.join(root, directory))) {
      const file = path.join(directory, name);
      const { ino, mode, size, mtimeNs, ctimeNs, nlink } = lstatSync(path.join(root, file), { bigint: true });
      found[file] = [ino, mode, size, mtimeNs, ctimeNs, nlink].join(" ");
      if (lstatSync(path.join(root, file)).isDirectory()) visit(file);
    }
  };
  visit("");
  return found;
}

/** Files and links with their modes: git's own, directories, and what no patch can say are left out. */
function files(root: string): Snapshot {
  const all = Object.entries(snapshot(root, { without: [".git"] }));
  return Object.fromEntries(all.filter(([file, is]) => !file.endsWith("/") && !is.endsWith("special")));
}

/** How each is asked for. */
const BACKENDS: [string, string[]][] = [
  ["overlay", []],
  ["copy", ["--trusted", "--backend", "copy"]],
];

describe.each(USERS)("as $name", (user) => {
  test.each(BACKENDS)("by: %s", { timeout: 300_000 }, async (_, flags) => {
    await using scene = openUserScene(user, FILES);
    const native = path.join(scene.home.directory, "native");
    cpSync(scene.root, native, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    scene.own();
    await scene.ctl("status");
    const before = untouched(scene.root);
    const gitBefore = untouched(scene.at(".git"));

    const ran = await scene.ctl("run", ...flags, "--", "sh", "-c", SCRIPT);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stderr).toContain("not staged: pipe");
    expect(ran.stderr).toContain("not staged: .git");
    expect(untouched(scene.root)).toEqual(before);
    expect(readdirSync(path.join(scene.home.locations.stateDir, "layers"))).toEqual([]);

    scene.native(native, "sh", "-c", SCRIPT);
    const applied = await scene.ctl("apply", "--yes", "--confirm-full-replace");
    expect(applied).toMatchObject({ code: 0, stderr: "" });
    const [ours, theirs] = [files(scene.root), files(native)];
    expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
    expect(Object.keys(theirs).filter((file) => ours[file] !== theirs[file])).toEqual([]);
    expect(untouched(scene.at(".git"))).toEqual(gitBefore);
  });
});
