/** `edit PATH`: opens the staged content in $EDITOR and stages what comes back. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { isKind } from "../../../protocol/wire/errors.ts";
import { type Chosen, chooseOrLook, chooseOrOpenSession } from "../choose.ts";
import type { Context } from "../context.ts";
import { edited, editor } from "../editor.ts";
import { print, printJson } from "../output.ts";
import { patchLine } from "../tables.ts";
import { stageInto } from "./stage.ts";

export async function edit(context: Context, [argument = ""]: string[]): Promise<void> {
  const command = editor();
  const chosen = await chooseOrLook(context);
  const path = chosen.path(argument);
  const before = await read(context, chosen, path);
  const after = await edited(context, command, basename(path), before ?? Buffer.alloc(0));
  if (before?.equals(after) || (before === undefined && after.length === 0)) {
    if (context.json) printJson({ session: chosen.session, patches: [], warnings: [] });
    else print("Nothing was changed.");
    return;
  }
  // What came in between must not be lost: the daemon compares with what the editor was given.
  const seen = before && { baseHash: createHash("sha256").update(before).digest("hex") };
  const target = await chooseOrOpenSession(context, `edit ${argument}`);
  const result = await stageInto(context, target, [{ kind: "write", path, content: after, ...seen }]);
  context.show(result, ({ patches }) => {
    for (const patch of patches) print(patchLine(patch));
  });
}

async function read(context: Context, { session }: Chosen, path: string): Promise<Buffer | undefined> {
  const handle = (await context.connection()).session(session.id);
  try {
    return (await context.patiently(() => handle.read(path, { signal: context.signal }))).bytes;
  } catch (error) {
    if (isKind(error, "FileNotFound")) return undefined;
    throw error;
  }
}
