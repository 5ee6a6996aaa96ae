/**
 * Questions to the person at the terminal, on stderr, so that stdout keeps the data alone.
 */
import type { Context } from "./context.ts";

/** Asks for one line; trimmed. ^C and ^D interrupt the verb. */
export async function askLine(context: Context, question: string): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  lines.once("SIGINT", context.interrupt);
  const gone = new Promise<never>((_, reject) => {
    lines.once("close", () => reject(context.signal.reason));
  });
  gone.catch(() => context.interrupt());
  try {
    return (await Promise.race([lines.question(question, { signal: context.signal }), gone])).trim();
  } finally {
    lines.removeAllListeners("close");
    lines.close();
  }
}

/** Asks a question with yes or no; no is the default. */
export async function confirm(context: Context, question: string): Promise<boolean> {
  return /^y(es)?$/i.test(await askLine(context, `${question} [y/N] `));
}
