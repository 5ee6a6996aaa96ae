/**
 * The headers of a git-format diff: names, modes, renames, ids. With a body behind them `git apply` takes the text, and
 * with -R takes it back. Hunks are hunks.ts, binary contents binary-patch.ts.
 * Modes are written as git has them (100644, 100755); others as they are, so that a reviewer sees them: git apply
 * makes of them what it can. Source: git, Documentation/diff-generate-patch.txt and apply.c.
 */
import type { Image } from "../../../protocol/methods/index.ts";
import type { ContentDiff } from "./content.ts";
import { gitName, gitNameOnLine } from "./names.ts";

const NO_ID = "0".repeat(40);

/** Digits of an id that say enough beside a text diff; a binary patch wants all of them. */
const SHORT_ID = 10;

const USUAL_MODES: ReadonlyMap<number | undefined, string> = new Map([
  [0o644, "100644"],
  [0o664, "100644"],
  [0o755, "100755"],
  [0o775, "100755"],
]);

/** One file's change of one type. `from` is a rename's old path. */
export interface Section {
  readonly path: string;
  readonly from?: string | undefined;
  readonly before: Image;
  readonly after: Image;
}

/** The whole section, headers and body; `diff` is its contents' with detail "unified". */
export function formatSection(section: Section, diff: ContentDiff): string {
  const { path, from = path } = section;
  const lines = [
    `diff --git ${gitName(from, "a/")} ${gitName(path, "b/")}`,
    ...modeLines(section),
    ...renameLines(section),
    ...indexLine(section, diff),
    ...(diff.body && !diff.binary ? nameLines(section) : []),
    "",
  ];
  return lines.join("\n") + (diff.body ?? "");
}

function modeLines({ before, after }: Section): string[] {
  if (!before.exists) return [`new file mode ${gitMode(after)}`];
  if (!after.exists) return [`deleted file mode ${gitMode(before)}`];
  if (sameMode(before, after)) return [];
  const isVisible = gitMode(before) !== gitMode(after);
  const shown = isVisible ? gitMode : exactMode;
  return [`old mode ${shown(before)}`, `new mode ${shown(after)}`];
}

function sameMode(before: Image, after: Image): boolean {
  return after.type === "symlink" || before.mode === after.mode;
}

function gitMode(image: Image): string {
  if (image.type === "symlink") return "120000";
  return USUAL_MODES.get(image.mode) ?? exactMode(image);
}

function exactMode({ mode = 0o644 }: Image): string {
  return (0o100000 + mode).toString(8);
}

function renameLines({ path, from, before, after }: Section): string[] {
  if (from === undefined) return [];
  const isWhole = before.hash === after.hash && before.target === after.target;
  return [
    ...(isWhole ? ["similarity index 100%"] : []),
    `rename from ${gitName(from)}`,
    `rename to ${gitName(path)}`,
  ];
}

function indexLine({ before, after }: Section, { ids, binary }: ContentDiff): string[] {
  if (!ids || (ids.old === ids.now && before.exists && after.exists)) return [];
  const digits = binary ? NO_ID.length : SHORT_ID;
  const old = before.exists ? ids.old : NO_ID;
  const now = after.exists ? ids.now : NO_ID;
  const mode = before.exists && after.exists && sameMode(before, after) ? ` ${gitMode(after)}` : "";
  return [`index ${old.slice(0, digits)}..${now.slice(0, digits)}${mode}`];
}

function nameLines({ path, from = path, before, after }: Section): string[] {
  return [
    `--- ${before.exists ? gitNameOnLine(from, "a/") : "/dev/null"}`,
    `+++ ${after.exists ? gitNameOnLine(path, "b/") : "/dev/null"}`,
  ];
}
