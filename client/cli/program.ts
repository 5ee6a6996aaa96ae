/**
 * The program: parses the command line with commander and runs one verb.
 * Owns the process's end: exit code, error lines, ^C. What verbs there are is verbs.ts.
 */
import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { IopipeError, isKind } from "../../protocol/wire/errors.ts";
import { roleOf } from "../connect.ts";
import { Context, type Flags } from "./context.ts";
import { EXIT, exitCodeOf, report, UsageError } from "./failure.ts";
import { LOAD } from "./load.ts";
import { commonFlags, VERBS, type Verb } from "./verbs.ts";

/** Runs the command line `args` (without node and script); resolves to the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  let code = 0;
  // What is behind belongs to the command that `run` runs.
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  const json = own.includes("--json");
  const line = withVerb(args);
  // Declaring all of them takes longer than most of them run.
  const called = VERBS.filter(({ name }) => name === line[0]);
  const program = makeProgram(called.length > 0 ? called : VERBS, async (verb, verbArgs, flags) => {
    code = await runVerb(verb, verbArgs, flags);
  });
  try {
    await program.parseAsync(line, { from: "user" });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    const message = error.message.replace(/^error: /, "");
    const [verb] = called;
    report(new UsageError(message, usageHint(verb)), json);
    return verb?.name === "run" ? EXIT.runFailed : EXIT.usage;
  }
}

/** Those of the common flags that a value follows. */
const WITH_VALUE = commonFlags({ about: "session" }).flatMap(([flags]) =>
  flags.includes("<") ? flags.replace(/ <.*/, "").split(", ") : [],
);

/** The bare command is `status`, with its flags. Flags before the verb, as git has them, are the verb's. */
function withVerb(args: readonly string[]): string[] {
  if (/^(-h|--help|-V|--version)$/.test(args[0] ?? "")) return [...args];
  let at = 0;
  while (args[at]?.startsWith("-")) at += WITH_VALUE.includes(args[at] as string) ? 2 : 1;
  const [verb = "status"] = args.slice(at);
  return [verb, ...args.slice(0, at), ...args.slice(at + 1)];
}

function usageHint(verb: Verb | undefined): string {
  if (verb === undefined) return "See `iopipectl --help`, or `iopipectl VERB --help`.";
  const { name, args } = verb;
  const command = args === "[command...]" ? `; a command goes behind --: iopipectl ${name} -- COMMAND` : "";
  return `See \`iopipectl ${name} --help\`${command}.`;
}

function makeProgram(
  verbs: readonly Verb[],
  run: (verb: Verb, args: string[], flags: Flags) => Promise<void>,
): Command {
  const program = new Command("iopipectl")
    .description("Review, apply and take back what was proposed to a working tree")
    .version(packageJson.version)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 failed, 2 usage, 3 stale or conflict, 4 needs a decision or a confirmation,\n" +
        "5 does not parse or does not fit, 7 needs attention, 69 no daemon, 75 try again, 77 not permitted, 130 interrupted",
    );
  for (const verb of verbs) {
    const command = program
      .command(verb.args === undefined ? verb.name : `${verb.name} ${verb.args}`)
      .description(verb.summary)
      .allowExcessArguments(false)
      .action((...given: unknown[]) => {
        const self = given.pop() as Command;
        return run(verb, self.args, self.opts<Flags>());
      });
    for (const [flags, description] of [...(verb.flags ?? []), ...commonFlags(verb)])
      command.option(flags, description);
  }
  return program;
}

async function runVerb(verb: Verb, args: string[], flags: Flags): Promise<number> {
  const context = new Context(flags);
  try {
    if (verb.reviewersOnly) refuseProposer(verb.name);
    const run = await LOAD[verb.name]?.();
    const code = (await run?.(context, args)) ?? 0;
    return context.signal.aborted ? EXIT.interrupted : code;
  } catch (error) {
    // Of a stream what it has told is the answer.
    const isAnswer = !context.signal.aborted || (context.json && isKind(error, "Cancelled"));
    if (isAnswer) report(error, context.json);
    if (context.signal.aborted) return EXIT.interrupted;
    return exitCodeOf(error);
  } finally {
    context.close();
  }
}

function refuseProposer(verb: string): void {
  if (roleOf(process.env) === "reviewer") return;
  throw new IopipeError(
    "NotPermitted",
    `A proposer may not ${verb} (IOPIPE_ROLE is "${process.env.IOPIPE_ROLE}").`,
    {
      hint: "Ask the person who reviews; `iopipectl wait` tells when they have decided.",
    },
  );
}
