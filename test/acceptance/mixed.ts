/** The patch of eight files: updates in two directories, creations in a new one, and one of every other kind. */
import type { ChangeInput } from "../../client/index.ts";
import type { Repository, Snapshot } from "./repository.ts";

/** The repository that it is for; give it its modes with `prepareMixed`. */
export const MIXED_FILES: Readonly<Record<string, string>> = {
  "a/one.txt": "one\n",
  "a/run.sh": "#!/bin/sh\necho run\n",
  "b/two.txt": "two\r\nlines\r\n",
  "b/old.txt": "the old name\nof a file\n",
  "gone/last.txt": "the only file here\n",
  "untouched.txt": "stays\n",
};

/** Modes that git does not know, which have to come through all the same. */
export function prepareMixed({ write, at }: Repository, chmod: (path: string, mode: number) => void): void {
  write("b/two.txt", MIXED_FILES["b/two.txt"] ?? "", 0o600);
  write("b/old.txt", MIXED_FILES["b/old.txt"] ?? "", 0o640);
  chmod(at("gone"), 0o750);
}

/** Its changes, in the order of their patches. */
export const MIXED_CHANGES: readonly ChangeInput[] = [
  { kind: "edit", path: "a/one.txt", edits: [{ oldText: "one", newText: "ONE" }] },
  { kind: "write", path: "b/two.txt", content: "two\r\nmore lines\r\n" },
  { kind: "write", path: "new/deep/x.txt", content: "no final newline" },
  { kind: "write", path: "new/deep/y.sh", content: "#!/bin/sh\n", mode: 0o755 },
  { kind: "delete", path: "gone/last.txt" },
  { kind: "rename", path: "b/old.txt", to: "c/renamed.txt" },
  { kind: "chmod", path: "a/run.sh", mode: 0o755 },
  { kind: "symlink", path: "link", target: "a/one.txt" },
];

/** What the tree is once they are applied; directories that were there keep their modes. */
export const MIXED_AFTER: Snapshot = {
  "a/": "755",
  "a/one.txt": "644 ONE\n",
  "a/run.sh": "755 #!/bin/sh\necho run\n",
  "b/": "755",
  "b/two.txt": "600 two\r\nmore lines\r\n",
  "c/": "755",
  "c/renamed.txt": "640 the old name\nof a file\n",
  link: "-> a/one.txt",
  "new/": "755",
  "new/deep/": "755",
  "new/deep/x.txt": "644 no final newline",
  "new/deep/y.sh": "755 #!/bin/sh\n",
  "untouched.txt": "644 stays\n",
};
