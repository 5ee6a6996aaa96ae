/**
 * `verify`: runs the policy's checks, or a command, over what is staged; exits 0 where all passed, else 1.
 * Owns how their output is shown as it comes: raw in a pipe, without control characters on a terminal, by the line and
 * under the check's name where there are several.
 */
import { relative } from "node:path";
import type { Params, Result } from "../../../protocol/methods/index.ts";
import type { Progress } from "../../link.ts";
import { chooseSession } from "../choose.ts";
import type { Context } from "../context.ts";
import { EXIT, UsageError } from "../failure.ts";
import { duration } from "../numbers.ts";
import { note, print, printJson, short } from "../output.ts";
import { verdictLine } from "../tables.ts";
import { visible, visibleLines } from "../visible.ts";

type Answer = Result<"session/verify">;
type Output = NonNullable<Progress["output"]>;

export async function verify(context: Context, command: string[]): Promise<number> {
  const chosen = await chooseSession(context);
  if (chosen === undefined) {
    if (context.json) printJson({ verdicts: [] });
    else print("Nothing is pending.");
    return 0;
  }
  const { session, workspace } = chosen;
  const asked = { session: session.id, ...whatOf(context, command, workspace.root) };
  const shower = showOutput(context);
  const connection = await context.connection();
  const result = await connection.call("session/verify", asked, {
    signal: context.signal,
    onProgress: ({ output }) => output && shower.take(output),
  });
  shower.end();
  context.show(result, describe);
  return result.verdicts.every(isGood) ? 0 : EXIT.failed;
}

function whatOf(
  context: Context,
  command: string[],
  root: string,
): Omit<Params<"session/verify">, "session"> {
  const checks = context.list("check");
  if (checks && command.length > 0)
    throw new UsageError("--check and a command are two things.", "Say one of them.");
  const timeoutMs = duration("timeout", context.text("timeout"), { bare: "s", min: 1 });
  const asked = { ...environment(context), ...(timeoutMs !== undefined && { timeoutMs }) };
  if (command.length === 0) return { ...asked, ...(checks && { checks }) };
  // As it would run here.
  const directory = relative(root, context.cwd);
  const isInside = directory !== "" && !directory.startsWith("..");
  return { ...asked, command, ...(isInside && { directory }) };
}

/** This one, for the daemon's may be another shell's; an agent may not say it. */
function environment({ role }: Context): { env?: Record<string, string> } {
  if (role === "proposer") return {};
  const set = Object.entries(process.env).filter((each): each is [string, string] => each[1] !== undefined);
  return { env: Object.fromEntries(set) };
}

/** With --json stdout has the result, and nothing else. */
function showOutput(context: Context) {
  const open = new Map<string, string>();
  const write = (stream: Output["stream"], text: string): void => {
    const to = context.json ? process.stderr : process[stream];
    to.write(to.isTTY ? visibleLines(text) : text);
  };
  return {
    take({ check, stream, text }: Output): void {
      if (check === undefined) {
        write(stream, text);
        return;
      }
      const key = `${stream} ${check}`;
      const lines = `${open.get(key) ?? ""}${text}`.split("\n");
      open.set(key, lines.pop() ?? "");
      for (const line of lines) write(stream, `${check} | ${line}\n`);
    },
    end(): void {
      for (const [key, line] of open) {
        const [stream = "", check = ""] = key.split(" ");
        if (line !== "") write(stream as Output["stream"], `${check} | ${line}\n`);
      }
    },
  };
}

function isGood({ outcome, void: fallen }: Answer["verdicts"][number]): boolean {
  return outcome === "passed" && fallen === undefined;
}

function describe({ session, verdicts }: Answer): void {
  for (const verdict of verdicts) print(verdictLine(verdict));
  if (verdicts.some((verdict) => verdict.void !== undefined))
    note("What is void counts for nothing: run it again.");
  else if (verdicts.every(isGood)) note(`Next: iopipectl review --session ${visible(short(session.id))}`);
}
