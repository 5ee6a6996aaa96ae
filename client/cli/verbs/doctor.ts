/** `doctor`: looks at everything that iopipe needs, and says what to do about what is wrong. Starts no daemon. */
import type { Context } from "../context.ts";
import { EXIT, exitCodeOfKind } from "../failure.ts";
import { colour, print } from "../output.ts";
import { visible } from "../visible.ts";

const MARKS = {
  ok: ["green", "ok"],
  note: ["cyan", "note"],
  warning: ["yellow", "warning"],
  problem: ["red", "problem"],
} as const;

export async function doctor(context: Context): Promise<number> {
  context.giveUpInSilence();
  const { examine } = await import("../examine/index.ts");
  const checks = await examine(context);
  context.show({ checks }, () => {
    for (const { name, state, fact, advice } of checks) {
      const [format, word] = MARKS[state];
      print(`${colour(format, word.padEnd(7))} ${name}: ${visible(fact)}`);
      if (advice !== undefined) print(`        ${visible(advice)}`);
    }
  });
  const problems = checks.filter(({ state }) => state === "problem");
  const unreached = problems.find(({ kind }) => kind === "Timeout" || kind === "AccessDenied");
  if (unreached?.kind !== undefined) return exitCodeOfKind(unreached.kind);
  return problems.length > 0 ? EXIT.failed : 0;
}
