/** What the demo's agent proposes: eight changes to real files, of every kind; and how each is told to have happened. */
import { existsSync, lstatSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { ChangeInput } from "../../client/index.ts";

/** Edits must match exactly once: the first line of these files' text that is theirs alone. */
const EDITED = ["app/protocol/wire/limits.ts", "app/daemon/store/ids.ts"] as const;

const WRITTEN = "app/protocol/wire/base64.ts";
const DELETED = "app/daemon/store/counters.ts";
const RENAMED = { from: "app/daemon/store/moves.ts", to: "app/daemon/store/transitions.ts" } as const;
const MADE = "app/tools/lint/check.ts";
const EXECUTABLE = "app/daemon/iopiped.ts";
const LINK = "app/current";

const NOTICE = "// Reviewed by the agent.\n";

export function proposal(root: string): ChangeInput[] {
  const firstLine = (path: string): string => `${readFileSync(join(root, path), "utf8").split("\n", 1)[0]}\n`;
  const edits = EDITED.map((path) => ({
    kind: "edit" as const,
    path,
    edits: [{ oldText: firstLine(path), newText: NOTICE + firstLine(path) }],
  }));
  return [
    ...edits,
    { kind: "write", path: WRITTEN, content: NOTICE + readFileSync(join(root, WRITTEN), "utf8") },
    { kind: "write", path: MADE, content: `${NOTICE}export const checked = true;\n` },
    { kind: "delete", path: DELETED },
    { kind: "rename", path: RENAMED.from, to: RENAMED.to },
    { kind: "chmod", path: EXECUTABLE, mode: 0o755 },
    { kind: "symlink", path: LINK, target: "daemon" },
  ];
}

/** Every path that the proposal changes; of a rename both. */
export const PATHS = [...EDITED, WRITTEN, MADE, DELETED, RENAMED.from, RENAMED.to, EXECUTABLE, LINK];

/** The file that the demo's person edits by hand afterwards. */
export const EDITED_BY_HAND = EDITED[0];

/** Whether each path of the proposal is on disk as proposed. */
export function isApplied(root: string): Record<string, boolean> {
  const text = (path: string) => readFileSync(join(root, path), "utf8");
  return {
    ...Object.fromEntries([...EDITED, WRITTEN].map((path) => [path, text(path).startsWith(NOTICE)])),
    [MADE]: existsSync(join(root, MADE)),
    [DELETED]: !existsSync(join(root, DELETED)),
    [RENAMED.to]: existsSync(join(root, RENAMED.to)) && !existsSync(join(root, RENAMED.from)),
    [EXECUTABLE]: (lstatSync(join(root, EXECUTABLE)).mode & 0o777) === 0o755,
    [LINK]: readlinkSync(join(root, LINK)) === "daemon",
  };
}
