/**
 * `hook [claude]`: the adapter for agents with pre-tool hooks. Reads the hook's input from stdin, prints its answer.
 * Exit code: 0 with an answer, and for what is none of ours. Where iopipe could not do its part (a sandbox's no 77, no
 * daemon 69, try again 75, else 1) the denial is printed too, and its reason on stderr; 2 for a mistake in how it was
 * called and for a defect of ours. Agents block a call at 2 alone, and let the tool run at any other: hence the
 * `|| exit 2` of the lines that they are given (setup/agents.ts), which blocks also where this program never began.
 * INVARIANT: the process cannot end with 0 before the answer is out.
 */
import { type ErrorKind, IopipeError } from "../../../protocol/wire/errors.ts";
import { type Answered, answerClaude } from "../../hook/claude.ts";
import type { Context } from "../context.ts";
import { EXIT, exitCodeOf, report, UsageError } from "../failure.ts";
import { note } from "../output.ts";
import { readStdin } from "../stdin.ts";

const STARTED_BY =
  "An agent starts it, with a tool's call as JSON: `iopipectl setup` has the lines for that.";

const ADAPTERS: Readonly<Record<string, (input: string) => Promise<Answered>>> = { claude: answerClaude };

export async function hook(_: Context, [agent = "claude"]: string[]): Promise<number> {
  return await guarded(async () => {
    const adapter = adapterOf(agent);
    const input = await readStdin("a hook's input", STARTED_BY);
    const { answer, failure } = await adapter(input.toString("utf8"));
    if (answer) await written(`${JSON.stringify(answer)}\n`);
    if (!isOurs(failure)) return 0;
    report(failure, false);
    return exitCodeOf(failure);
  });
}

function adapterOf(agent: string): (input: string) => Promise<Answered> {
  const names = Object.keys(ADAPTERS);
  const adapter = names.includes(agent) ? ADAPTERS[agent] : undefined;
  if (adapter) return adapter;
  throw new UsageError(`There is no hook for ${agent}.`, `There is one for: ${names.join(", ")}.`);
}

/** Whether iopipe could not do its part; to a call that does not fit, the denial is the whole answer. */
function isOurs(failure: unknown): boolean {
  if (failure === undefined) return false;
  return !(failure instanceof IopipeError) || OURS.includes(failure.kind);
}

const OURS: readonly ErrorKind[] = [
  "AccessDenied",
  "Busy",
  "DiskFull",
  "InternalError",
  "IoFailed",
  "NotPermitted",
  "ReadOnly",
  "ShuttingDown",
  "SyncTimeout",
  "Timeout",
];

/** Does `work`; whatever ends it, or the process meanwhile, blocks the tool's call. */
async function guarded(work: () => Promise<number>): Promise<number> {
  const before = process.exitCode;
  // What a process ends with that nobody ended: its event loop ran dry.
  process.exitCode = EXIT.usage;
  process.once("uncaughtException", block);
  // Before others: to them a reader that left early is no failure.
  process.stdout.prependOnceListener("error", unwritten);
  try {
    return await work();
  } catch (error) {
    say(error);
    return EXIT.usage;
  } finally {
    process.off("uncaughtException", block);
    process.stdout.off("error", unwritten);
    process.exitCode = before;
  }
}

function block(error: Error): never {
  say(error);
  process.exit(EXIT.usage);
}

function unwritten({ message }: Error): never {
  const hint = "The agent that started it must read that.";
  return block(new IopipeError("IoFailed", `Its answer cannot be written to stdout: ${message}.`, { hint }));
}

/** On stderr, for a model to read; behind it a defect's stack, for whoever mends it. */
function say(error: unknown): void {
  report(error, false);
  note("The call is blocked, and nothing was written to disk. The person can look with `iopipectl doctor`.");
  const isKnown = error instanceof UsageError || error instanceof IopipeError;
  if (!isKnown) note(String((error as Error).stack));
}

/** Resolves once stdout has taken it; where it does not, unwritten() ends the process. */
function written(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, (error) => {
      if (!error) resolve();
    });
  });
}
