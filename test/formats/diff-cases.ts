/**
 * Malformed, ambiguous, hostile and unusual diffs, with the verdicts of `git apply` and of iopipe side by side.
 * Where both take a diff they must make the same of it. Where a verdict or a result differs, `why` says why that is
 * meant; no other case has a `why`.
 */
import { idOf, payload } from "./binary-payload.ts";

export interface DiffCase {
  readonly name: string;
  readonly diff: string | Buffer;
  readonly git: "takes" | "refuses";
  /** An error's kind where it refuses. */
  readonly iopipe: string;
  /** How iopipe found the hunks, where not all of them exactly. */
  readonly exactness?: readonly string[];
  /** Why iopipe's verdict or result is not git's. */
  readonly why?: string;
}

const NINE = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
const BIN = Buffer.from([0, 1, 2, 3, 255]);
const NEW_BIN = Buffer.from("\0new\xff", "latin1");
/** Copies 3 bytes from offset 1 of five, then adds `!`: four bytes. */
const DELTA = Buffer.from([5, 4, 0x91, 1, 3, 1, 0x21]);

/** What is there in every case; `-> ` before a link's target. */
export const FILES: Readonly<Record<string, string | Buffer>> = {
  a: NINE,
  twice: "begin\nsame\nend\n\nbegin\nsame\nend\n",
  crlf: "1\r\n2\r\n3\r\n4\r\n5\r\n",
  mixed: "1\n2\r\n3\n4\r\n5\n",
  bare: "one\ntwo",
  empty: "",
  link: "-> a",
  "dir/in": NINE,
  "sp ace": "x\n",
  ü: "u\n",
  latin: Buffer.from("caf\xe9\nx\n", "latin1"),
  bin: BIN,
};

const head = (name: string) => `--- a/${name}\n+++ b/${name}\n`;
const git = (name: string) => `diff --git a/${name} b/${name}\n`;
const fifth = "@@ -3,5 +3,5 @@\n 3\n 4\n-5\n+five\n 6\n 7\n";
const created = (name: string, content = "+x\n") =>
  `${git(name)}new file mode 100644\n--- /dev/null\n+++ b/${name}\n@@ -0,0 +1 @@\n${content}`;
const deleted = (name: string, hunk: string) =>
  `${git(name)}deleted file mode 100644\n--- a/${name}\n+++ /dev/null\n${hunk}`;
const whole = `@@ -1,9 +0,0 @@\n${NINE.replace(/^/gm, "-").slice(0, -1)}`;
const renamed = (from: string, to: string, rest = "") =>
  `diff --git a/${from} b/${to}\nsimilarity index 90%\nrename from ${from}\nrename to ${to}\n${rest}`;
const binary = (old: Buffer, now: Buffer, body: string) =>
  `${git("bin")}index ${idOf(old)}..${idOf(now)} 100644\nGIT binary patch\n${body}`;
const cr = (text: string) => text.replaceAll("\n", "\r\n");

const UNIQUE =
  "iopipe takes a hunk elsewhere than it says only where it fits once; git takes the nearest place";
const UNPROVEN = "without --unidiff-zero git puts the line at the file's end, whatever its number";
const COUNTED =
  "the lines say unmistakably what is meant, so they are counted anew, with a warning; git wants --recount";
const ENDINGS =
  "lines that differ in CRLF alone are the same lines, told as `eol`; the file's endings are kept";
const PREFIX = "names without a/ and b/ are taken as they are; git strips the first component whatever it is";
const LAST = "git lets the last one have the name, and the other content is gone";
const TRUTH = "a change that the text announces and does not hold is refused; git passes over it in silence";

const intact: readonly DiffCase[] = [
  { name: "a plain hunk", diff: head("a") + fifth, git: "takes", iopipe: "takes" },
  {
    name: "with git's headers",
    diff: `${git("a")}index 0719398..1 100644\n${head("a")}${fifth}`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a mail around it",
    diff: `From 1 Mon\nSubject: [PATCH] x\n\nText.\n---\n a | 2 +-\n 1 file changed\n\n${git("a")}${head("a")}${fifth}-- \n2.39.5\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a Markdown fence around it",
    diff: `Here it is:\n\n\`\`\`diff\n${head("a")}${fifth}\`\`\`\nDone.\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "several files",
    diff: `${head("a")}${fifth}${created("n")}${head("ü")}@@ -1 +1 @@\n-u\n+v\n`,
    git: "takes",
    iopipe: "takes",
  },
  { name: "a creation", diff: created("n/deep"), git: "takes", iopipe: "takes" },
  {
    name: "an empty creation",
    diff: `${git("n")}new file mode 100644\nindex 0000000..e69de29\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "an executable creation",
    diff: created("n").replace("100644", "100755"),
    git: "takes",
    iopipe: "takes",
  },
  { name: "a deletion", diff: deleted("a", whole), git: "takes", iopipe: "takes" },
  {
    name: "the deletion of an empty file",
    diff: `${git("empty")}deleted file mode 100644\nindex e69de29..0000000\n`,
    git: "takes",
    iopipe: "takes",
  },
  { name: "a rename", diff: renamed("a", "b"), git: "takes", iopipe: "takes" },
  {
    name: "a rename with a change",
    diff: renamed("a", "b/c", `--- a/a\n+++ b/b/c\n${fifth}`),
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "two files that change names",
    diff: renamed("a", "bare") + renamed("bare", "a"),
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a copy beside a change of its source",
    diff: `${git("a")}${head("a")}${fifth}diff --git a/a b/c\ncopy from a\ncopy to c\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a mode alone",
    diff: `${git("a")}old mode 100644\nnew mode 100755\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a link's new target",
    diff: `${git("link")}index 2e65efe..1 120000\n${head("link")}@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+bare\n\\ No newline at end of file\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a link made a file",
    diff: `${git("link")}deleted file mode 120000\n--- a/link\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n\\ No newline at end of file\n${created("link")}`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a missing final newline kept",
    diff: `${head("bare")}@@ -1,2 +1,2 @@\n-one\n+1\n two\n\\ No newline at end of file\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a missing final newline added",
    diff: `${head("bare")}@@ -1,2 +1,2 @@\n one\n-two\n\\ No newline at end of file\n+two\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a final newline taken away",
    diff: `${head("sp ace")}@@ -1 +1 @@\n-x\n+x\n\\ No newline at end of file\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "bytes that are not UTF-8",
    diff: Buffer.from(`${head("latin")}@@ -1,2 +1,2 @@\n caf\xe9\n-x\n+\xff\n`, "latin1"),
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a CRLF file",
    diff: `${head("crlf")}@@ -2,3 +2,3 @@\n 2\r\n-3\r\n+three\r\n 4\r\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "line endings changed",
    diff: `${head("crlf")}@@ -2,3 +2,3 @@\n 2\r\n-3\r\n+3\n 4\r\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a blank line of context without its space",
    diff: `${head("twice")}@@ -3,4 +3,4 @@\n end\n\n-begin\n+BEGIN\n same\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "no context at all, with --unidiff-zero's numbers",
    diff: `${head("a")}@@ -5 +5 @@\n-5\n+five\n`,
    git: "refuses",
    iopipe: "takes",
    why: "the line that goes is there, where it says; git wants --unidiff-zero",
  },
  {
    name: "one file in two sections",
    diff: `${head("a")}${fifth}${head("a")}@@ -8,2 +8,2 @@\n 8\n-9\n+nine\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a file made and then changed",
    diff: `${created("n")}${head("n")}@@ -1 +1 @@\n-x\n+y\n`,
    git: "takes",
    iopipe: "takes",
  },
];

const names: readonly DiffCase[] = [
  {
    name: "a name with a space",
    diff: `${head("sp ace")}@@ -1 +1 @@\n-x\n+y\n`.replace(/ace$/gm, "ace\t"),
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a mode of a name with spaces",
    diff: `${git("sp ace")}old mode 100644\nnew mode 100755\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a quoted name in octal",
    diff: '--- "a/\\303\\274"\n+++ "b/\\303\\274"\n@@ -1 +1 @@\n-u\n+v\n',
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a quoted name with escapes",
    diff: 'diff --git "a/q\\"\\t\\\\" "b/q\\"\\t\\\\"\nnew file mode 100644\n',
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a quoted name that does not end",
    diff: '--- "a/a\n+++ "b/a\n@@ -1 +1 @@\n-1\n+x\n',
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "no prefixes",
    diff: `diff --git dir/in dir/in\n--- dir/in\n+++ dir/in\n${fifth}`,
    git: "refuses",
    iopipe: "takes",
    why: PREFIX,
  },
  {
    name: "no prefixes, in the top directory",
    diff: `--- a\n+++ a\n${fifth}`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "mnemonic prefixes",
    diff: `diff --git i/a w/a\n--- i/a\n+++ w/a\n${fifth}`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "other prefixes, as diff -ru writes",
    diff: `diff -ru old/a new/a\n--- old/a\t2024-01-01 00:00:00.000000000 +0000\n+++ new/a\t2024-01-02 00:00:00.000000000 +0000\n${fifth}`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a creation by diff -ruN",
    diff: "--- old/n\t1970-01-01 00:00:00.000000000 +0000\n+++ new/n\t2024-01-02 00:00:00.000000000 +0000\n@@ -0,0 +1 @@\n+x\n",
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a backup's name",
    diff: `--- a.orig\n+++ a\n${fifth}`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "two names that are no rename",
    diff: `--- a/a\n+++ b/bare\n${fifth}`,
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "headers about different files",
    diff: `${git("a")}${head("bare")}${fifth}`,
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "a rename whose names are others",
    diff: renamed("a", "b", `--- a/a\n+++ b/c\n${fifth}`),
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "half a rename",
    diff: "diff --git a/a b/b\nsimilarity index 100%\nrename from a\n",
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "git's headers, and no `new file mode`",
    diff: `${git("n")}--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n`,
    git: "refuses",
    iopipe: "takes",
    why: "/dev/null says it too, and nothing contradicts it",
  },
  {
    name: "a creation with an old name",
    diff: `${git("n")}new file mode 100644\n${head("n")}@@ -0,0 +1 @@\n+x\n`,
    git: "refuses",
    iopipe: "PatchMalformed",
  },
];

const hostile: readonly DiffCase[] = [
  {
    name: "out of the root",
    diff: `--- a/../x\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n`,
    git: "refuses",
    iopipe: "PathEscape",
  },
  { name: "a creation out of the root", diff: created("../x"), git: "refuses", iopipe: "PathEscape" },
  {
    name: "an absolute name",
    diff: "--- /dev/null\n+++ /etc/iopipe-x\n@@ -0,0 +1 @@\n+x\n",
    git: "takes",
    iopipe: "PathEscape",
    why: PREFIX,
  },
  { name: "a rename out of the root", diff: renamed("a", "../b"), git: "refuses", iopipe: "PathEscape" },
  { name: "git's own directory", diff: created(".git/hooks/x"), git: "refuses", iopipe: "PathProtected" },
  {
    name: "git's own directory in capitals",
    diff: created(".GIT/x"),
    git: "refuses",
    iopipe: "PathProtected",
  },
  {
    name: "behind a link that it makes itself",
    diff: `${git("l")}new file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/tmp\n\\ No newline at end of file\n${created("l/x")}`,
    git: "refuses",
    iopipe: "PathEscape",
  },
  { name: "behind a file", diff: created("a/b"), git: "refuses", iopipe: "NotAFile" },
  {
    name: "a NUL in a link's target",
    diff: `${git("l")}new file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+x\0y\n\\ No newline at end of file\n`,
    git: "takes",
    iopipe: "InvalidParams",
    why: "no link can have it; git cuts it off",
  },
  {
    name: "an empty target",
    diff: `${git("l")}new file mode 120000\n`,
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "a submodule",
    diff: `${git("s")}new file mode 160000\n--- /dev/null\n+++ b/s\n@@ -0,0 +1 @@\n+Subproject commit ${"1".repeat(40)}\n`,
    git: "takes",
    iopipe: "PatchMalformed",
    why: "git makes an empty directory of it, which cannot be staged",
  },
  {
    name: "a mode of nothing",
    diff: `${git("n")}new file mode 040000\n`,
    git: "takes",
    iopipe: "PatchMalformed",
    why: "it is a directory's; git makes a file of it",
  },
  {
    name: "a mode that is no number",
    diff: `${git("a")}old mode 100644\nnew mode 99\n`,
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "a file's change applied to a link",
    diff: `${git("link")}index 1234567..1 100644\n${head("link")}@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n`,
    git: "refuses",
    iopipe: "MatchNotFound",
  },
  {
    name: "a line number beyond all numbers",
    diff: `${head("a")}@@ -99999999999999999999,1 +1,1 @@\n-5\n+five\n`,
    git: "refuses",
    iopipe: "takes",
    exactness: ["offset"],
    why: UNIQUE,
  },
  {
    name: "counts beyond all numbers",
    diff: `${head("a")}@@ -3,99999999999999999999 +3,5 @@\n 3\n-5\n+five\n`,
    git: "refuses",
    iopipe: "PatchMalformed",
  },
];

const existence: readonly DiffCase[] = [
  { name: "a creation of what is there", diff: created("a"), git: "refuses", iopipe: "FileExists" },
  {
    name: "a change of what is not there",
    diff: head("none") + fifth,
    git: "refuses",
    iopipe: "FileNotFound",
  },
  {
    name: "a deletion of what is not there",
    diff: deleted("none", whole),
    git: "refuses",
    iopipe: "FileNotFound",
  },
  { name: "a rename onto what is there", diff: renamed("a", "bare"), git: "refuses", iopipe: "FileExists" },
  {
    name: "a copy onto what is there",
    diff: "diff --git a/a b/bare\ncopy from a\ncopy to bare\n",
    git: "refuses",
    iopipe: "FileExists",
  },
  {
    name: "a deletion of a part",
    diff: deleted("a", "@@ -1 +0,0 @@\n-1\n"),
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "a deletion without the content",
    diff: `${git("a")}deleted file mode 100644\nindex 0719398..0000000\n`,
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "a deletion, then a change",
    diff: `${deleted("a", whole)}${head("a")}${fifth}`,
    git: "refuses",
    iopipe: "FileNotFound",
  },
  {
    name: "a rename, then a change of the old name",
    diff: `${renamed("a", "b")}${git("a")}${head("a")}${fifth}`,
    git: "refuses",
    iopipe: "FileNotFound",
  },
  {
    name: "a change, then a rename of it",
    diff: `${git("a")}${head("a")}${fifth}${renamed("a", "b")}`,
    git: "takes",
    iopipe: "PatchMalformed",
    why: "git renames the old content, and the change is gone",
  },
  {
    name: "a file made twice",
    diff: created("n") + created("n"),
    git: "takes",
    iopipe: "PatchMalformed",
    why: LAST,
  },
  {
    name: "one name for two renames",
    diff: renamed("a", "n") + renamed("bare", "n"),
    git: "takes",
    iopipe: "PatchMalformed",
    why: LAST,
  },
  { name: "a directory's name for a file", diff: created("dir"), git: "refuses", iopipe: "FileExists" },
];

const places: readonly DiffCase[] = [
  {
    name: "moved, and unique",
    diff: `${head("a")}@@ -6,3 +6,3 @@\n 4\n-5\n+five\n 6\n`,
    git: "takes",
    iopipe: "takes",
    exactness: ["offset"],
  },
  {
    name: "moved, and in two places",
    diff: `${head("twice")}@@ -3,3 +3,3 @@\n begin\n-same\n+other\n end\n`,
    git: "takes",
    iopipe: "MatchAmbiguous",
    why: UNIQUE,
  },
  {
    name: "in two places, and at its line",
    diff: `${head("twice")}@@ -5,3 +5,3 @@\n begin\n-same\n+other\n end\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "at its line, by an index of other bytes",
    diff: `${git("twice")}index 1234567..1234568 100644\n${head("twice")}@@ -5,3 +5,3 @@\n begin\n-same\n+other\n end\n`,
    git: "takes",
    iopipe: "MatchAmbiguous",
    why: "the diff says itself that it is about other bytes, so that its line numbers prove nothing",
  },
  {
    name: "beside a hunk that has moved",
    diff: `${head("twice")}@@ -1,3 +1,3 @@\n begin\n-same\n+other\n end\n@@ -9,4 +9,4 @@\n \n-begin\n+BEGIN\n same\n end\n`,
    git: "takes",
    iopipe: "MatchAmbiguous",
    why: "its lines are off, so that the line of no hunk proves anything",
  },
  {
    name: "context that is not there",
    diff: `${head("a")}@@ -1,2 +1,2 @@\n 1\n-other\n+x\n`,
    git: "refuses",
    iopipe: "MatchNotFound",
  },
  {
    name: "applied already",
    diff: `${head("a")}@@ -4,3 +4,3 @@\n 4\n-five\n+5\n 6\n`,
    git: "refuses",
    iopipe: "MatchNotFound",
  },
  {
    name: "an addition at the end, where more follows",
    diff: `${head("a")}@@ -2,2 +2,3 @@\n 2\n 3\n+new\n`,
    git: "refuses",
    iopipe: "MatchNotFound",
  },
  {
    name: "an addition at the beginning, of what has moved",
    diff: `${head("a")}@@ -1,2 +1,3 @@\n+new\n 2\n 3\n`,
    git: "refuses",
    iopipe: "MatchNotFound",
  },
  {
    name: "an addition without context",
    diff: `${head("a")}@@ -5,0 +6 @@\n+new\n`,
    git: "takes",
    iopipe: "MatchAmbiguous",
    why: UNPROVEN,
  },
  {
    name: "an addition without context to an empty file",
    diff: `${head("empty")}@@ -0,0 +1 @@\n+new\n`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "an addition without context, by the bytes' own id",
    diff: `${git("a")}index ${idOf(Buffer.from(NINE)).slice(0, 10)}..1234567 100644\n${head("a")}@@ -5,0 +6 @@\n+new\n`,
    git: "takes",
    iopipe: "takes",
    why: `the index line proves the place; ${UNPROVEN}`,
  },
  {
    name: "a change of the last line, with the lines before",
    diff: `${head("a")}@@ -1,3 +1,3 @@\n 3\n 4\n-5\n+five\n`,
    git: "refuses",
    iopipe: "takes",
    exactness: ["offset"],
    why: UNIQUE,
  },
  {
    name: "hunks in the wrong order",
    diff: `${head("a")}@@ -7,2 +7,2 @@\n 7\n-8\n+eight\n@@ -2,2 +2,2 @@\n 2\n-3\n+three\n`,
    git: "refuses",
    iopipe: "takes",
    why: UNIQUE,
  },
  {
    name: "hunks over each other",
    diff: `${head("a")}@@ -2,3 +2,3 @@\n 2\n-3\n+three\n 4\n@@ -4,2 +4,2 @@\n 4\n-5\n+five\n`,
    git: "refuses",
    iopipe: "MatchNotFound",
  },
  {
    name: "hunks without numbers",
    diff: `${head("a")}@@ ... @@\n 4\n-5\n+five\n`,
    git: "refuses",
    iopipe: "takes",
    exactness: ["offset"],
    why: UNIQUE,
  },
  {
    name: "trailing blanks that differ",
    diff: `${head("a")}@@ -4,3 +4,3 @@\n 4 \n-5\n+five\n 6\n`,
    git: "refuses",
    iopipe: "MatchNotFound",
  },
  {
    name: "indentation that differs",
    diff: `${head("a")}@@ -4,3 +4,3 @@\n  4\n-5\n+five\n 6\n`,
    git: "refuses",
    iopipe: "MatchNotFound",
  },
  {
    name: "a missing final newline that is not said",
    diff: `${head("bare")}@@ -1,2 +1,2 @@\n-one\n+1\n two\n`,
    git: "refuses",
    iopipe: "MatchNotFound",
  },
  {
    name: "a missing final newline in the middle",
    diff: `${head("a")}@@ -1,2 +1,2 @@\n 1\n-2\n\\ No newline at end of file\n+x\n\\ No newline at end of file\n`,
    git: "refuses",
    iopipe: "MatchNotFound",
  },
];

const endings: readonly DiffCase[] = [
  {
    name: "an LF diff of a CRLF file",
    diff: `${head("crlf")}@@ -2,3 +2,4 @@\n 2\n-3\n+three\n+more\n 4\n`,
    git: "refuses",
    iopipe: "takes",
    exactness: ["eol"],
    why: ENDINGS,
  },
  {
    name: "a CRLF diff of an LF file",
    diff: cr(head("a") + fifth),
    git: "refuses",
    iopipe: "takes",
    exactness: ["eol"],
    why: ENDINGS,
  },
  {
    name: "a CRLF diff of a CRLF file",
    diff: cr(`${head("crlf")}@@ -2,3 +2,3 @@\n 2\n-3\n+three\n 4\n`),
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "an LF diff of a file with both",
    diff: `${head("mixed")}@@ -1,5 +1,5 @@\n 1\n-2\n+two\n 3\n-4\n+four\n 5\n`,
    git: "refuses",
    iopipe: "takes",
    exactness: ["eol"],
    why: ENDINGS,
  },
  {
    name: "a CRLF diff with git's headers",
    diff: cr(`${git("a")}old mode 100644\nnew mode 100755\n`),
    git: "refuses",
    iopipe: "takes",
    why: ENDINGS,
  },
];

const counts: readonly DiffCase[] = [
  {
    name: "too few lines by the header",
    diff: `${head("a")}@@ -4,2 +4,2 @@\n 4\n-5\n+five\n 6\n`,
    git: "refuses",
    iopipe: "takes",
    why: COUNTED,
  },
  {
    name: "too many lines by the header, and more follows",
    diff: `${head("a")}@@ -4,9 +4,9 @@\n 4\n-5\n+five\n 6\n${head("ü")}@@ -1 +1 @@\n-u\n+v\n`,
    git: "refuses",
    iopipe: "takes",
    why: COUNTED,
  },
  {
    name: "a truncated hunk",
    diff: `${head("a")}@@ -3,5 +3,5 @@\n 3\n 4\n-5\n+five\n`,
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "truncated behind a hunk's header",
    diff: `${head("a")}@@ -3,5 +3,5 @@\n`,
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  { name: "truncated behind the names", diff: head("a"), git: "refuses", iopipe: "PatchMalformed" },
  {
    name: "truncated behind git's headers",
    diff: `${git("a")}index 1234567..2345678 100644\n`,
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "a rename truncated behind its index line",
    diff: renamed("a", "b", "index 0719398..1234567 100644\n"),
    git: "takes",
    iopipe: "PatchMalformed",
    why: TRUTH,
  },
  {
    name: "a creation truncated behind its index line",
    diff: `${git("n")}new file mode 100644\nindex 0000000..1234567\n`,
    git: "takes",
    iopipe: "PatchMalformed",
    why: TRUTH,
  },
  {
    name: "a second file truncated behind its names",
    diff: `${head("a")}${fifth}${head("ü")}`,
    git: "takes",
    iopipe: "PatchMalformed",
    why: TRUTH,
  },
  {
    name: "no newline at the diff's end",
    diff: `${head("a")}${fifth}`.slice(0, -1),
    git: "refuses",
    iopipe: "takes",
    why: "no line is missing, and the file proves that the last one is whole",
  },
  {
    name: "no newline at the diff's end, behind a line that comes",
    diff: created("n").slice(0, -1),
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "a hunk that changes nothing",
    diff: `${head("a")}@@ -1,2 +1,2 @@\n 1\n 2\n`,
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "garbage in a hunk",
    diff: `${head("a")}@@ -3,5 +3,5 @@\n 3\n*4\n-5\n+five\n 6\n 7\n`,
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  { name: "a hunk without a file", diff: "@@ -1 +1 @@\n-1\n+x\n", git: "refuses", iopipe: "PatchMalformed" },
  {
    name: "a hunk's header without its end",
    diff: `${head("a")}@@ -1,2\n-1\n+x\n`,
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "a blank line between hunks",
    diff: `${head("a")}@@ -1,2 +1,2 @@\n-1\n+one\n 2\n\n@@ -8,2 +8,2 @@\n 8\n-9\n+nine\n`,
    git: "refuses",
    iopipe: "takes",
    why: "nothing else can be meant",
  },
  {
    name: "lines behind a missing final newline",
    diff: created("n", "+x\n\\ No newline at end of file\n+y\n").replace("+1 @@", "+1,2 @@"),
    git: "takes",
    iopipe: "PatchMalformed",
    why: "git joins the two lines",
  },
  { name: "nothing", diff: "", git: "refuses", iopipe: "PatchMalformed" },
  { name: "prose", diff: "Please change line 5.\n", git: "refuses", iopipe: "PatchMalformed" },
  {
    name: "the combined diff of a merge",
    diff: "diff --cc a\nindex 1,2..3\n--- a/a\n+++ b/a\n@@@ -1,1 -1,1 +1,1 @@@\n- 1\n -1\n++x\n",
    git: "refuses",
    iopipe: "PatchMalformed",
  },
];

const binaries: readonly DiffCase[] = [
  {
    name: "a literal",
    diff: binary(BIN, NEW_BIN, payload("literal", NEW_BIN) + payload("literal", BIN)),
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a delta",
    diff: binary(BIN, Buffer.from("\x01\x02\x03!"), payload("delta", DELTA)),
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a binary creation",
    diff: `${git("n")}new file mode 100644\nindex ${"0".repeat(40)}..${idOf(BIN)}\nGIT binary patch\n${payload("literal", BIN)}`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "a binary deletion",
    diff: `${git("bin")}deleted file mode 100644\nindex ${idOf(BIN)}..${"0".repeat(40)}\nGIT binary patch\n${payload("literal", Buffer.alloc(0))}${payload("literal", BIN)}`,
    git: "takes",
    iopipe: "takes",
  },
  {
    name: "of other bytes",
    diff: binary(NEW_BIN, BIN, payload("literal", BIN)),
    git: "refuses",
    iopipe: "MatchNotFound",
  },
  {
    name: "with another result than its id says",
    diff: binary(BIN, NEW_BIN, payload("literal", BIN)),
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "with abbreviated ids",
    diff: binary(BIN, NEW_BIN, payload("literal", NEW_BIN)).replace(
      /^index.*$/m,
      "index e2613b3..1234567 100644",
    ),
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "without an index line",
    diff: `${git("bin")}GIT binary patch\n${payload("literal", NEW_BIN)}`,
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "that inflates to more than it declares",
    diff: binary(BIN, Buffer.alloc(100_000), payload("literal", Buffer.alloc(100_000), 10)),
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "that inflates to less than it declares",
    diff: binary(BIN, NEW_BIN, payload("literal", NEW_BIN, 500)),
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "that declares more than can be edited",
    diff: binary(BIN, NEW_BIN, payload("literal", NEW_BIN, 10 ** 12)),
    git: "refuses",
    iopipe: "TooLarge",
  },
  {
    name: "that is no zlib stream",
    diff: binary(BIN, NEW_BIN, "literal 4\nEzzzzzzzzzz\n\n"),
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "that is no base 85",
    diff: binary(BIN, NEW_BIN, "literal 4\nE,,,,,,,,,,\n\n"),
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "a delta of another base's size",
    diff: binary(BIN, NEW_BIN, payload("delta", Buffer.from([9, 1, 0x91, 0, 1]))),
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "a delta that copies from beyond its base",
    diff: binary(BIN, NEW_BIN, payload("delta", Buffer.from([5, 9, 0x91, 3, 9]))),
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "a delta that makes too much",
    diff: binary(BIN, NEW_BIN, payload("delta", Buffer.from([5, 2, 0x91, 0, 5]))),
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "a delta with an instruction of nothing",
    diff: binary(BIN, NEW_BIN, payload("delta", Buffer.from([5, 1, 0]))),
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "binary files that differ",
    diff: `${git("bin")}index 1234567..2345678 100644\nBinary files a/bin and b/bin differ\n`,
    git: "refuses",
    iopipe: "PatchMalformed",
  },
  {
    name: "binary files that differ, beside a text",
    diff: `${git("a")}${head("a")}${fifth}Binary files bin and bin2 differ\n`,
    git: "takes",
    iopipe: "PatchMalformed",
    why: TRUTH,
  },
  {
    name: "files that are only on one side",
    diff: `${head("a")}${fifth}Only in new: more\n`,
    git: "takes",
    iopipe: "PatchMalformed",
    why: TRUTH,
  },
];

export const GROUPS: Readonly<Record<string, readonly DiffCase[]>> = {
  intact,
  names,
  hostile,
  existence,
  places,
  "line endings": endings,
  counts,
  binaries,
};
