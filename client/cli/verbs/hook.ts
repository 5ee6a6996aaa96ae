/**
 * `hook [claude]`: the adapter for agents with pre-tool hooks. Reads the hook's input from stdin, prints its answer.
 * Exit code: 0, for only then an agent reads the answer; 2, which blocks the tool's call, for a mistake in how it was
 * called and for a defect of ours. Never another: agents let the tool run then.
 */
import { answerClaude } from "../../hook/claude.ts";
import type { Context } from "../context.ts";
import { EXIT, UsageError } from "../failure.ts";
import { note, printJson } from "../output.ts";
import { readStdin } from "../stdin.ts";

const ADAPTERS: Readonly<Record<string, (input: string) => Promise<object | undefined>>> = {
  claude: answerClaude,
};

export async function hook(_: Context, [agent = "claude"]: string[]): Promise<void> {
  const names = Object.keys(ADAPTERS);
  const answer = names.includes(agent) ? ADAPTERS[agent] : undefined;
  if (!answer)
    throw new UsageError(`There is no hook for ${agent}.`, `There is one for: ${names.join(", ")}.`);
  process.once("uncaughtException", block);
  try {
    const printed = await answer((await readStdin("a hook's input")).toString("utf8"));
    if (printed) printJson(printed);
  } finally {
    process.off("uncaughtException", block);
  }
}

function block(error: Error): never {
  note(`iopipectl hook: ${error.stack ?? error.message}`);
  process.exit(EXIT.usage);
}
