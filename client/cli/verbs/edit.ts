/** `edit PATH`: opens the staged content in $EDITOR and stages what comes back. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { IopipeError, isKind } from "../../../protocol/wire/errors.ts";
import { type Chosen, chooseOrLook, chooseOrOpenSession } from "../choose.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../failure.ts";
import { print, printJson } from "../output.ts";
import { patchLine } from "../tables.ts";
import { words } from "../words.ts";
import { stageInto } from "./stage.ts";

export async function edit(context: Context, [argument = ""]: string[]): Promise<void> {
  const command = editor();
  const chosen = await chooseOrLook(context);
  const path = chosen.path(argument);
  const before = await read(context, chosen, path);
  const after = await edited(command, basename(path), before ?? Buffer.alloc(0));
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

function editor(): string[] {
  const named = words(process.env.EDITOR || process.env.VISUAL || "");
  if (named.length > 0) return named;
  if (process.stdin.isTTY) return ["vi"];
  throw new UsageError(
    "There is no terminal for an editor, and EDITOR names none.",
    "Use `iopipectl stage PATH`.",
  );
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

/** Runs the editor on a private copy that keeps the file's name, for its syntax. */
async function edited([program = "", ...args]: string[], name: string, content: Buffer): Promise<Buffer> {
  const { spawn } = await import("node:child_process");
  const directory = mkdtempSync(join(tmpdir(), "iopipe-edit-"));
  const file = join(directory, name);
  try {
    writeFileSync(file, content, { mode: 0o600 });
    const status = await new Promise<number | null>((resolve, reject) => {
      const child = spawn(program, [...args, file], { stdio: "inherit" });
      child.once("error", reject);
      child.once("exit", resolve);
    });
    if (status === 0) return readFileSync(file);
    throw new IopipeError(
      "IoFailed",
      `The editor ${program} ended with status ${status}; nothing was staged.`,
      {
        hint: "Leave the editor in its normal way, or set EDITOR.",
      },
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
