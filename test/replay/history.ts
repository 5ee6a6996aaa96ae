/** A history with every kind of change that git knows, and the shapes that get in each other's way. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeRepository, type Repository } from "../acceptance/repository.ts";

const TEXT = "the first line\nof a text\nthat is long enough\nfor git to see\nthat it was renamed\n";
const OTHER = "something else\nentirely\nwhich git takes\nfor no part\nof that text\n";
const BINARY = Buffer.from(Array.from({ length: 512 }, (_, n) => n % 256));
/** More than goes inline, and than is replaced unasked. */
const LARGE = Buffer.alloc(5 * 1024 * 1024, BINARY);

const move = ({ at }: Repository, from: string, to: string): void => renameSync(at(from), at(to));
const link = ({ at }: Repository, name: string, target: string): void => symlinkSync(target, at(name));
/** One that nobody has checked out: an empty directory. */
const submodule = ({ at, git }: Repository, name: string): void => {
  const commit = git(["rev-parse", "HEAD"]).trim();
  git(["update-index", "--add", "--replace", "--cacheinfo", `160000,${commit},${name}`]);
  mkdirSync(at(name));
};

/** What each commit does, made on the one before. */
const COMMITS: Readonly<Record<string, (r: Repository) => void>> = {
  "files of all kinds, and attributes that would change their bytes": (r) => {
    r.write("a.txt", TEXT);
    r.write("b.txt", OTHER);
    r.write("bin", BINARY);
    r.write("latin1.txt", Buffer.from("caf\xe9\r\n\r\n", "latin1"));
    r.write("bom.txt", "\ufeffno final newline");
    r.write("nothing", "");
    r.write("d/one", "one\n");
    r.write("d/two", "two\n");
    r.write("x/y/z/deep.txt", `${TEXT}deep\n`);
    r.write("run.sh", "#!/bin/sh\n", 0o755);
    r.write(".gitattributes", "*.txt text eol=crlf working-tree-encoding=UTF-16\n*.sh ident\n");
    r.write(".gitignore", "ignored\n");
    r.write("ignored", "added all the same\n");
    r.write("täst/naïve \t\n\u202e.txt", "a name to quote\n");
    link(r, "link", "a.txt");
    link(r, "to-directory", "d");
    link(r, "dangling", "../../nowhere");
  },
  "contents and modes": (r) => {
    r.write("bin", Buffer.concat([BINARY, BINARY]));
    r.write("latin1.txt", Buffer.from("caf\xe9\n", "latin1"));
    r.write("d/one", "one and more\n", 0o755);
    r.write("run.sh", "#!/bin/sh\n", 0o644);
    r.write("nothing", "", 0o755);
    r.write("large", LARGE);
  },
  "renames: alone, with content, with a mode, of a link, of a binary, out of the last directory": (r) => {
    move(r, "a.txt", "renamed.txt");
    move(r, "b.txt", "edited.txt");
    r.write("edited.txt", `${OTHER}and more\n`, 0o755);
    move(r, "link", "d/link");
    move(r, "bin", "large.bin");
    move(r, "x/y/z/deep.txt", "deep.txt");
    r.write("deep.txt", `${TEXT}deep\n`, 0o755);
  },
  "nothing at all": () => {},
  "two files change their names": (r) => {
    move(r, "renamed.txt", "aside");
    move(r, "edited.txt", "renamed.txt");
    move(r, "aside", "edited.txt");
  },
  "files become links, and links files": (r) => {
    r.remove("deep.txt");
    link(r, "deep.txt", "d/two");
    r.remove("d/link");
    r.write("d/link", "no link any more\n", 0o755);
    r.remove("dangling");
    link(r, "dangling", "elsewhere");
  },
  "a link to a directory becomes one, a directory becomes a link": (r) => {
    r.remove("to-directory");
    r.write("to-directory/one", "not the one in d\n");
    r.remove("d");
    link(r, "d", "to-directory");
  },
  "a file becomes a directory, its text in it": (r) => {
    move(r, "renamed.txt", "aside");
    r.write("renamed.txt/x", "");
    move(r, "aside", "renamed.txt/renamed.txt");
    r.remove("nothing");
    r.write("nothing/at/all", "something\n");
  },
  "directories become files, one of them the file that was in it": (r) => {
    move(r, "renamed.txt/renamed.txt", "aside");
    r.remove("renamed.txt");
    move(r, "aside", "renamed.txt");
    r.remove("nothing");
    r.write("nothing", "and a file again\n");
    r.remove("täst");
    link(r, "täst", "nothing");
  },
  "two files move into directories of each other's names": (r) => {
    move(r, "renamed.txt", "aside1");
    move(r, "edited.txt", "aside2");
    r.write("renamed.txt/x", "");
    r.write("edited.txt/x", "");
    move(r, "aside1", "edited.txt/renamed");
    move(r, "aside2", "renamed.txt/edited");
  },
  "a submodule comes, and one takes a file's place": (r) => {
    r.remove("run.sh");
    for (const name of ["vendored", "run.sh"]) submodule(r, name);
  },
  "what iopipe refuses, and what it takes beside it": (r) => {
    r.write(".iopipe-mine", "a reserved name\n");
    writeFileSync(Buffer.concat([Buffer.from(r.at("latin1-")), Buffer.of(0xe9)]), "a name that is no text\n");
    r.write("beside", "this is none of that\n");
  },
  "what was refused moves to where it is not, and a file to where it is": (r) => {
    move(r, ".iopipe-mine", "taken");
    move(r, "large.bin", ".iopipe-yours");
  },
  "the submodules go, a file takes one's place": (r) => {
    for (const name of ["vendored", "run.sh"]) r.remove(name);
    r.write("run.sh", "#!/bin/sh\necho again\n", 0o755);
  },
  "nearly everything goes": (r) => {
    for (const name of ["renamed.txt", "edited.txt", "to-directory", "large", "täst"])
      rmSync(r.at(name), { recursive: true });
  },
};

/** With the empty one that they begin with. */
export const COMMIT_COUNT = Object.keys(COMMITS).length + 1;

/** Makes it in `directory`; gives the bare repository's absolute path. */
export function makeHistory(directory: string): string {
  const [root, bare] = [join(directory, "made"), join(directory, "bare.git")];
  const repository = makeRepository(root, {});
  repository.write(".git/info/attributes", "* -text -ident -working-tree-encoding\n");
  for (const [title, change] of Object.entries(COMMITS)) {
    change(repository);
    repository.git(["add", "--all", "--force"]);
    repository.git(["commit", "--quiet", "--allow-empty", "--message", title]);
  }
  repository.git(["clone", "--quiet", "--bare", ".", bare]);
  rmSync(root, { recursive: true });
  return bare;
}
