/** Paths as text: hostile ones are refused before anything looks at the disk. */
import { expect, test } from "vitest";
import {
  ancestorsOf,
  checkPath,
  type DiskError,
  isTemporaryName,
  joinPath,
  nameOf,
  parentOf,
} from "../daemon/disk/index.ts";

function kindOf(path: string): string {
  try {
    checkPath(path);
    return "fine";
  } catch (error) {
    return (error as DiskError).kind;
  }
}

test.each([
  ["", "PathEscape"],
  ["/etc/passwd", "PathEscape"],
  ["../x", "PathEscape"],
  ["a/../../x", "PathEscape"],
  ["a/..", "PathEscape"],
  ["./a", "PathEscape"],
  ["a//b", "PathEscape"],
  ["a/", "PathEscape"],
  ["a\0b", "PathEscape"],
  ["a\ud800b", "PathEscape"],
  [".git", "PathProtected"],
  [".git/config", "PathProtected"],
  [".GIT/hooks/x", "PathProtected"],
  ["sub/.git/config", "PathProtected"],
  [".git./config", "PathProtected"],
  [".git /config", "PathProtected"],
  [".git. . /config", "PathProtected"],
  ["GIT~1/config", "PathProtected"],
  [".g\u200cit/config", "PathProtected"],
  ["\ufeff.Git", "PathProtected"],
  [".git::$INDEX_ALLOCATION/config", "PathProtected"],
  [".git\\config", "PathProtected"],
  [".iopipe-0011223344556677-0.tmp", "PathProtected"],
  ["a/.IOPIPE-x", "PathProtected"],
  ["n".repeat(256), "NameTooLong"],
  ["ä".repeat(128), "NameTooLong"],
  [Array(2049).fill("n").join("/"), "NameTooLong"],
])("%j is %s", (path, kind) => {
  expect(kindOf(path)).toBe(kind);
});

test.each([
  "a",
  "a/b.txt",
  ".gitignore",
  ".github/x",
  "git~2",
  ".git2/x",
  "...",
  "a b",
  "-rf",
  "n".repeat(255),
  "back\\slash",
  "new\nline",
])("%j is fine", (path) => {
  expect(kindOf(path)).toBe("fine");
});

test("paths are taken apart and put together", () => {
  expect([parentOf("a/b/c"), nameOf("a/b/c"), parentOf("c"), nameOf("c")]).toEqual(["a/b", "c", "", "c"]);
  expect([joinPath("", "c"), joinPath("a", "c")]).toEqual(["c", "a/c"]);
  expect(ancestorsOf("a/b/c")).toEqual(["a", "a/b"]);
  expect(isTemporaryName(".iopipe-x")).toBe(true);
  expect(isTemporaryName("iopipe")).toBe(false);
});
