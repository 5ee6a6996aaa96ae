/** Which of git's directories outside a root a layer covers. What `.git` says may be anybody's. */
import { execFileSync } from "node:child_process";
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { outsideGit } from "../daemon/layer/index.ts";

let base: string;
let root: string;
beforeEach(() => {
  base = realpathSync(mkdtempSync(path.join(tmpdir(), "iop-git-")));
  root = at("root");
  mkdirSync(root);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const at = (name: string): string => path.join(base, name);
const look = (state = at("state")) =>
  outsideGit(root, { stateDir: state, runtimeDir: path.join(state, "run"), proposeDir: state });

/** What git needs of a directory; nothing else has it. */
function makeGit(directory: string): string {
  for (const part of ["objects", "refs"]) mkdirSync(path.join(directory, part), { recursive: true });
  writeFileSync(path.join(directory, "HEAD"), "ref: refs/heads/main\n");
  return directory;
}

/** Lacks what `breakIt` takes. */
function broken(breakIt: (git: string) => void): string {
  const git = makeGit(at("broken"));
  breakIt(git);
  return git;
}

const point = (target: string | Buffer): void =>
  writeFileSync(path.join(root, ".git"), Buffer.concat([Buffer.from("gitdir: "), Buffer.from(target)]));

test.each<[string, () => string]>([
  ["an absolute path", () => at("git")],
  ["a relative one, as git ends a line", () => "../git\r\n"],
  ["a path with detours", () => `${base}/state/.././git//\n`],
])("%s is followed", async (_, target) => {
  makeGit(at("git"));
  mkdirSync(at("state"));
  point(target());
  expect(await look()).toEqual({ covered: [at("git")], uncovered: [] });
});

test("links are followed to where they lead", async () => {
  makeGit(at("git"));
  symlinkSync(at("git"), at("link"));
  point(at("link"));
  expect(await look()).toEqual({ covered: [at("git")], uncovered: [] });
  rmSync(path.join(root, ".git"));
  symlinkSync(at("link"), path.join(root, ".git"));
  expect(await look()).toEqual({ covered: [at("git")], uncovered: [] });
});

test("the common directory counts too, and takes what is below it along", async () => {
  const [common, own] = [makeGit(at("common")), at("own")];
  mkdirSync(own);
  writeFileSync(path.join(own, "HEAD"), "0123456789abcdef0123456789abcdef01234567\n");
  writeFileSync(path.join(own, "commondir"), "../common\n");
  point(own);
  expect(await look()).toEqual({ covered: [own, common], uncovered: [] });
  renameSync(own, path.join(common, "own"));
  writeFileSync(path.join(common, "own/commondir"), "..\n");
  point(path.join(common, "own"));
  expect(await look()).toEqual({ covered: [common], uncovered: [] });
});

test("a common directory outside counts where the rest of git's is below the root", async () => {
  const common = makeGit(at("common"));
  const own = makeGit(path.join(root, ".git"));
  expect(await look()).toEqual({ covered: [], uncovered: [] });
  writeFileSync(path.join(own, "commondir"), common);
  expect(await look()).toEqual({ covered: [common], uncovered: [] });
});

test("a repository that the root is a part of is found, a bare one too", async () => {
  makeGit(base);
  expect((await look("/elsewhere")).covered).toEqual([base]);
  makeGit(at(".git"));
  expect((await look()).covered).toEqual([at(".git")]);
});

test.each<[string, () => string | Buffer]>([
  ["nothing", () => at("missing")],
  ["nothing at all", () => ""],
  ["a file", () => "/etc/passwd"],
  ["a directory of the system", () => "/usr"],
  ["the whole machine", () => "/"],
  ["what is above the root", () => ".."],
  ["the root", () => "."],
  ["itself", () => ".git"],
  ["a name that is too long", () => "x".repeat(5000)],
  ["a device", () => "/dev/zero"],
  ["one without HEAD", () => broken((git) => rmSync(path.join(git, "HEAD")))],
  ["one with something else for HEAD", () => broken((git) => writeFileSync(path.join(git, "HEAD"), "x"))],
  ["one without refs", () => broken((git) => rmSync(path.join(git, "refs"), { recursive: true }))],
  ["one whose common one is none", () => broken((git) => writeFileSync(path.join(git, "commondir"), "/usr"))],
])("%s is not covered", async (_, target) => {
  point(target());
  expect(await look()).toEqual({ covered: [], uncovered: [] });
});

test("a FIFO for `.git` is not waited for", async () => {
  execFileSync("mkfifo", [path.join(root, ".git")]);
  expect(await look()).toEqual({ covered: [], uncovered: [] });
});

test("what is iopipe's, another user's or has no name is not covered, and that is told", async () => {
  const git = makeGit(at("state/git"));
  point(git);
  expect(await look()).toEqual({
    covered: [],
    uncovered: [{ path: git, reason: "iopipe's own directories are there" }],
  });
  expect((await look(path.join(git, "state"))).uncovered).toHaveLength(1);
  point(Buffer.from([0x2f, 0x78, 0xff]));
  expect((await look()).uncovered).toEqual([{ path: "/x\ufffd", reason: "its name is not UTF-8" }]);
});

test.runIf(process.getuid?.() === 0)(
  "what is neither the user's nor the root's owner's is not covered",
  async () => {
    const git = makeGit(at("git"));
    point(git);
    chownSync(git, 54_321, 54_321);
    expect((await look()).uncovered).toEqual([{ path: git, reason: "it belongs to another user" }]);
    chownSync(root, 54_321, 54_321);
    expect((await look()).covered).toEqual([git]);
  },
);
