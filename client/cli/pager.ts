/**
 * Shows long text on a terminal through the person's pager; straight to stdout everywhere else.
 * Owns the choice of the pager (IOPIPE_PAGER, PAGER, `less -FRX`; empty or `cat` for none). No shell is involved.
 */
import { words } from "./words.ts";

/** Prints `text` and resolves when the person has left the pager. A pager that cannot be started is done without. */
export async function page(text: string): Promise<void> {
  const command = words(process.env.IOPIPE_PAGER ?? process.env.PAGER ?? "less -FRX");
  const [program, ...args] = command;
  if (process.stdout.isTTY !== true || text === "" || program === undefined || program === "cat") {
    process.stdout.write(text);
    return;
  }
  if (!(await paged(program, args, text))) process.stdout.write(text);
}

async function paged(program: string, args: string[], text: string): Promise<boolean> {
  const { spawn } = await import("node:child_process");
  const env = { LESS: "FRX", ...process.env };
  return await new Promise((resolve) => {
    const pager = spawn(program, args, { stdio: ["pipe", "inherit", "inherit"], env });
    pager.once("error", () => resolve(false));
    pager.once("exit", () => resolve(true));
    // EPIPE: the person left before the end.
    pager.stdin.on("error", () => {});
    pager.stdin.end(text);
  });
}
