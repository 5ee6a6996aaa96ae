/**
 * Running the project's own checks over what is staged. Which ones an agent may ask for says the workspace's policy, once
 * a person trusts it; a command of its own never goes through here.
 */
import { z } from "zod";
import type { Result } from "../../../protocol/methods/index.ts";
import { CheckName, Verdict } from "../../../protocol/methods/values.ts";
import { NAMED, NEXT, type ToolCall, tool } from "./tool.ts";

type Told = Result<"session/verify">["verdicts"][number];

/** What an answer holds of one check's output, in characters: its end, where what went wrong stands. */
const MAX_OUTPUT = 8 * 1024;

/** How often a host that asked for progress is told of it. */
const PROGRESS_MS = 5_000;

const VerdictShown = Verdict.pick({ outcome: true, exitCode: true, void: true, durationMs: true }).extend({
  check: CheckName,
  output: z.string().describe("The end of what it printed."),
  cut: z.boolean().describe("There was more before."),
});

const verify = tool({
  name: "verify_staged",
  title: "Run the project's checks",
  description:
    "Runs the checks that the project's policy lets agents ask for (tests, types, lint) over the files as they would become, confined, and tells " +
    "what they print. It takes as long as they take, and reports progress. The reviewer sees the verdicts.",
  effect: "runs",
  input: z.strictObject({
    checks: z.array(CheckName).min(1).max(50).optional().describe("By name; default all you may ask for."),
    ...NAMED,
  }),
  output: z.object({ verdicts: z.array(VerdictShown), ...NEXT }),
  run: async ({ checks, ...named }, call) => {
    const { connection, session } = await call.desk.findWork(named);
    const reporting = report(call);
    try {
      const { verdicts } = await connection.call(
        "session/verify",
        { session: session.id, ...(checks && { checks }) },
        { signal: call.signal, onProgress: ({ output }) => output && reporting.heard(output.text) },
      );
      return { data: { verdicts: verdicts.map(shown), next: nextAfter(verdicts) } };
    } finally {
      reporting.end();
    }
  },
});

/** Tells the host now and then for how long the checks have run, and what they printed last. */
function report({ progress }: ToolCall): { heard: (text: string) => void; end: () => void } {
  const started = performance.now();
  let last = "";
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - started) / 1000);
    progress(seconds, undefined, last === "" ? "The checks run" : `The checks run: ${last}`);
  }, PROGRESS_MS);
  return {
    heard: (text) => {
      last = text.trimEnd().split("\n").at(-1)?.slice(0, 200) || last;
    },
    end: () => clearInterval(timer),
  };
}

function shown({ output, cut, ...verdict }: Told): z.output<typeof VerdictShown> {
  const end = output.slice(-MAX_OUTPUT);
  return VerdictShown.parse({ ...verdict, output: end, cut: cut || end.length < output.length });
}

function nextAfter(verdicts: readonly Told[]): string {
  if (verdicts.some(({ outcome }) => outcome !== "passed"))
    return "Read what the checks that did not pass have printed, stage what mends it, and verify_staged again.";
  if (verdicts.some((verdict) => verdict.void))
    return "They passed, but something has changed since they began: verify_staged again.";
  return "All passed. When it is complete, call submit_for_review.";
}

export const VERIFYING = [verify];
