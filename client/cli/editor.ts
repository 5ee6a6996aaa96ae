/**
 * The person's editor, run on a private copy of some bytes. Owns that copy, and removes it.
 * The terminal's keys are the editor's meanwhile: many take ^C for a way back to their commands.
 */
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { Context } from "./context.ts";
import { UsageError } from "./failure.ts";
import { words } from "./words.ts";

/** The command that EDITOR or VISUAL names. @throws {UsageError} where there is none, and no terminal for vi */
export function editor(): string[] {
  const named = words(process.env.EDITOR || process.env.VISUAL || "");
  if (named.length > 0) return named;
  if (process.stdin.isTTY) return ["vi"];
  throw new UsageError(
    "There is no terminal for an editor, and EDITOR names none.",
    "Use `iopipectl stage PATH`.",
  );
}

const KEYS: ReadonlySet<NodeJS.Signals> = new Set(["SIGINT", "SIGQUIT"]);

/** Runs the editor on a private copy that keeps the file's name, for its syntax. @throws {IopipeError} IoFailed */
export async function edited(
  context: Context,
  [program = "", ...args]: string[],
  name: string,
  content: Buffer,
): Promise<Buffer> {
  const { spawn } = await import("node:child_process");
  const directory = mkdtempSync(join(tmpdir(), "iopipe-edit-"));
  const file = join(directory, name);
  try {
    writeFileSync(file, content, { mode: 0o600 });
    let child: ChildProcess | undefined;
    const end = await context.leavingSignals(
      (signal) => KEYS.has(signal) || child?.kill(signal),
      () =>
        new Promise<string>((resolve) => {
          child = spawn(program, [...args, file], { stdio: "inherit" });
          child.once("error", ({ message }) => resolve(`could not be started (${message})`));
          child.once("exit", (status, signal) =>
            resolve(status === 0 ? "" : `ended with ${signal ?? `status ${status}`}`),
          );
        }),
    );
    if (end !== "") throw failed(`The editor ${program} ${end}`);
    if (existsSync(file)) return readFileSync(file);
    throw failed(`The editor ${program} has left no file`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function failed(fact: string): IopipeError {
  return new IopipeError("IoFailed", `${fact}; nothing was staged.`, {
    hint: "Leave the editor in its normal way, or set EDITOR.",
  });
}
