/**
 * Deciding on one patch at the terminal: as it is, on each of its hunks, or in a version edited there and then.
 * Owns the questions. What a decision does is the daemon's.
 */
import { basename } from "node:path";
import type { Hunk, Params, Patch } from "../../protocol/methods/index.ts";
import { isKind } from "../../protocol/wire/errors.ts";
import { askLine, confirm } from "./ask.ts";
import type { Context } from "./context.ts";
import { edited, editor } from "./editor.ts";
import { note, print } from "./output.ts";
import { patchLines } from "./tables.ts";
import { showDiff } from "./verbs/diff.ts";
import { visible } from "./visible.ts";

export type Decision = Params<"session/decide">["decisions"][number];

type Answer = "quit" | "skip" | Decision;

/** What each word does, or its first letter; undefined asks again. */
const ANSWERS: Readonly<
  Record<string, (context: Context, patch: Patch) => Answer | Promise<Answer | undefined>>
> = {
  yes: (_, { id }) => ({ patch: id, decision: "approved" }),
  no: async (context, { id }) => {
    const why = await askLine(context, "Why? (for the author; may stay empty) ");
    return { patch: id, decision: "rejected", ...(why !== "" && { note: why }) };
  },
  hunk: chooseHunks,
  edit: editVersion,
  skip: () => "skip",
  quit: () => "quit",
};

const QUESTION = "Approve? [y]es, [n]o, [h]unk by hunk, [e]dit, [s]kip, [q]uit: ";

/** Shows the patch and asks until there is an answer. Nobody is asked about one that has been replaced meanwhile. */
export async function decideOn(context: Context, patch: Patch): Promise<Answer> {
  const diff = await diffOf(context, patch);
  if (diff === undefined) {
    note(`${visible(patch.path)} is not as it was listed any more; review it again.`);
    return "skip";
  }
  for (const line of patchLines(patch)) print(line);
  await showDiff(diff, { words: true });
  for (;;) {
    const said = (await askLine(context, QUESTION)).toLowerCase();
    const word = Object.keys(ANSWERS).find((each) => said === each || said === each[0]);
    const answer = word && (await ANSWERS[word]?.(context, patch));
    if (answer) return answer;
  }
}

/** The patch's diff; undefined where it is no longer the pending one of its path. */
async function diffOf(context: Context, { session, path, id }: Patch): Promise<string | undefined> {
  try {
    const { diff, files } = await context.call("session/diff", { session, paths: [path] });
    return files.some(({ patch }) => patch === id) ? diff : undefined;
  } catch (error) {
    if (!isKind(error, "TooLarge")) throw error;
    note(`${visible(error.message)} See it with \`iopipectl cat\`.`);
    return "";
  }
}

async function chooseHunks(context: Context, patch: Patch): Promise<Answer | undefined> {
  const { session, path, id } = patch;
  const shown = await context.call("session/diff", { session, paths: [path], format: "hunks" });
  const hunks = shown.files.flatMap((file) => file.hunks ?? []);
  if (hunks.length === 0) {
    note(`${visible(path)} has no hunks to choose among.`);
    return undefined;
  }
  const kept: string[] = [];
  for (const [n, hunk] of hunks.entries()) {
    await showDiff(textOf(hunk), { words: true });
    if (await confirm(context, `Approve hunk ${n + 1} of ${hunks.length}?`)) kept.push(hunk.id);
  }
  if (kept.length === hunks.length) return { patch: id, decision: "approved" };
  if (kept.length > 0) return { patch: id, decision: "approved", hunks: kept };
  note("No hunk was approved.");
  return undefined;
}

function textOf({ oldStart, oldLines, newStart, newLines, lines }: Hunk): string {
  return [`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`, ...lines, ""].join("\n");
}

async function editVersion(context: Context, patch: Patch): Promise<Answer | undefined> {
  const { session, path, id, after } = patch;
  if (after.type !== "file") {
    note(`${visible(path)} would be no file; there is nothing to edit.`);
    return undefined;
  }
  const handle = (await context.connection()).session(session);
  const { bytes } = await context.patiently(() => handle.read(path, { signal: context.signal }));
  const version = await edited(context, editor(), basename(path), bytes).catch((error: unknown) => {
    if (!isKind(error, "IoFailed")) throw error;
    note(visible(error.message));
  });
  if (version === undefined) return undefined;
  return version.equals(bytes) ? { patch: id, decision: "approved" } : approvalOf(patch, version);
}

/** The approval of `version` in place of the patch, as long as that has the content which was looked at. */
export function approvalOf({ id, path, after }: Patch, version: Buffer): Decision {
  const seen = after.hash === undefined ? {} : { baseHash: after.hash };
  const change = { kind: "write" as const, path, contentBase64: version.toString("base64"), ...seen };
  return { patch: id, decision: "approved", change };
}
