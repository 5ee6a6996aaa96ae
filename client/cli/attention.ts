/**
 * Operations that need attention: what a person is told of one, wherever it is met, and the next steps.
 * Such an operation was caught half-way with somebody's edit in its way; nothing of theirs was touched.
 */
import type { Operation } from "../../protocol/methods/index.ts";
import { EXIT } from "./failure.ts";
import { colour, note, print, short } from "./output.ts";
import { visible } from "./visible.ts";

type Outcome = NonNullable<Operation["files"][number]["outcome"]>;

const OUTCOMES: Readonly<Record<Outcome, string>> = {
  before: "before, not changed",
  after: "after, changed as proposed",
  foreign: "foreign: neither, somebody has edited it; it was left as it is",
};

/** What became of a file, in words. */
export function outcomeLine({ path, outcome }: Operation["files"][number]): string {
  return `${visible(path)}: ${outcome === undefined ? "unknown" : OUTCOMES[outcome]}`;
}

/** The whole of it: for the verb whose operation it was. */
export function describeAttention(operation: Operation): void {
  print(colour("red", `Operation ${visible(operation.id)} needs attention.`));
  for (const file of operation.files) print(`  ${outcomeLine(file)}`);
  noteNextSteps(operation);
}

/** What to type next, beside the data. */
export function noteNextSteps({ id, files }: Operation): void {
  const file = files.find(({ outcome }) => outcome === "foreign") ?? files[0];
  const path = visible(file?.path ?? "PATH");
  note(`The versions: iopipectl show ${visible(short(id))} ${path} --bytes before (or after, or rescued)`);
  note(`Put the files right, then: iopipectl rpc operation/resolve '{"operation":"${visible(id)}"}'`);
}

/** An operation that needs attention is an answer, with an exit code of its own. */
export function exitOf({ operation }: { operation?: { state: string } | undefined }): number {
  return operation?.state === "needsAttention" ? EXIT.needsAttention : 0;
}
