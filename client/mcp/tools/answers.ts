/**
 * What a tool answers: its data as structured content and as text, or a refusal that says fact and next step.
 * A refusal is a result (`isError`), never a protocol error: models see only results.
 */
import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/server";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { isLost, isNoDaemon } from "../../faults.ts";
import { nextStep } from "../../next-step.ts";
import { WORDS } from "../words.ts";
import type { Answer } from "./tool.ts";

/** An answer in MCP's form: for hosts that show only text, the data stands there too. */
export function answered({ data, text, links = [] }: Answer<Record<string, unknown>>): CallToolResult {
  const { [text?.member ?? ""]: readable, ...rest } = data;
  const blocks: ContentBlock[] = [
    ...(typeof readable === "string" && readable !== "" ? [textBlock(readable)] : []),
    textBlock(JSON.stringify(rest)),
    ...links.map((link): ContentBlock => ({ type: "resource_link", ...link })),
  ];
  return { content: blocks, structuredContent: data };
}

/** A failure as a result: what happened and where, what to do next, and the error's own data. */
export function refused(error: unknown): CallToolResult {
  const { message, data } = asIopipeError(error);
  const { hint, retryable: _, ...facts } = data;
  const next = nextStep(data.kind, hint, WORDS);
  const where = data.path === undefined || message.includes(data.path) ? "" : ` (${data.path})`;
  return {
    content: [textBlock(`${data.kind}: ${message}${where}\nNext: ${next}`), textBlock(bounded(facts))],
    isError: true,
  };
}

function asIopipeError(error: unknown): IopipeError {
  if (!(error instanceof IopipeError)) {
    const { message, code } = error as NodeJS.ErrnoException;
    // Of a file that is written or read plainly.
    if (code !== undefined) return new IopipeError("IoFailed", message, { hint: "Look at the path named." });
    return new IopipeError("InternalError", message, { hint: "This is a defect in iopipectl mcp." });
  }
  const hint = AFTER_FAILURE.find(([is]) => is(error))?.[1];
  return hint === undefined ? error : error.with({ hint });
}

/** What to do where the daemon is the trouble. */
const AFTER_FAILURE: readonly (readonly [(error: IopipeError) => boolean, string])[] = [
  [isLost, "It is not known whether the call took effect: look at session_status first."],
  [isNoDaemon, "Ask the person who reviews to look at `iopipectl doctor`; then repeat the call."],
];

/** Long enough for every place where a text was found; a list of a thousand is of no use to a model. */
const MAX_FACTS = 4_000;

function bounded(facts: object): string {
  const text = JSON.stringify(facts);
  return text.length <= MAX_FACTS ? text : `${text.slice(0, MAX_FACTS)}… (cut off)`;
}

function textBlock(text: string): ContentBlock {
  return { type: "text", text };
}
