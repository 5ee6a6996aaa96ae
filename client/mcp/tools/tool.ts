/**
 * What a tool is: one value with name, texts, schemas and the function, from which registration and the reference follow.
 * Owns the schemas that several tools share; all of them are the protocol's own, or parts of them.
 * INVARIANT: `path` is the first member of an input and content the last, for models cut arguments off at the end.
 */
import { z } from "zod";
import { Key, Patch, Path, Session, SessionId } from "../../../protocol/methods/values.ts";
import type { Desk } from "../desk.ts";

/** One call of a tool. */
export interface ToolCall {
  readonly desk: Desk;
  /** The host's own name. */
  readonly agent: string;
  readonly signal: AbortSignal;
  /** Tells a host that asked for it how far a long call is; `done` only grows. */
  readonly progress: (done: number, total: number | undefined, message: string) => void;
}

/** A resource of this server that an answer points at. */
export interface Link {
  readonly uri: string;
  readonly name: string;
  readonly mimeType: string;
}

export interface Answer<T> {
  /** As the tool's output schema has it. */
  readonly data: T;
  /** What is for reading as it is: shown before the data, and left out of the data's text. */
  readonly text?: { readonly member: keyof T & string } | undefined;
  readonly links?: readonly Link[] | undefined;
}

export interface Tool<I extends z.ZodObject = z.ZodObject, O extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly title: string;
  /** For the model: what it does, and when to call it. */
  readonly description: string;
  readonly effect: keyof typeof EFFECTS;
  readonly input: I;
  readonly output: O;
  readonly run: (input: z.output<I>, call: ToolCall) => Promise<Answer<z.output<O>>>;
}

/**
 * What a tool does to the world, as MCP's four annotations; their defaults are the pessimistic ones, so all are said.
 * `once`: repeating it with the same arguments has no further effect.
 */
export const EFFECTS = {
  reads: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  stages: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  stagesOnce: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  // What a project's command asks of the network is not known.
  runs: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
} as const;

export function tool<I extends z.ZodObject, O extends z.ZodObject>(spec: Tool<I, O>): Tool {
  return spec as unknown as Tool;
}

export const ToolPath = Path.describe("Relative to the workspace's root, or absolute inside it.");

/** How a call names its session: by one of them. */
export const NAMED = {
  session: SessionId.optional().describe("The session, as an answer named it."),
  key: Key.optional().describe(
    "Instead of `session`: a name of your own making for this conversation, hard to guess, the same in every call.",
  ),
};

/** What to do next, in words. */
export const NEXT = { next: z.string().describe("What to do next.") };

/** A session as agents see it. */
export const SessionShown = Session.pick({
  id: true,
  key: true,
  title: true,
  state: true,
  ready: true,
  message: true,
  digest: true,
  seq: true,
  patches: true,
});

/** A patch as agents see it: without images, with the hash of what would be written. */
export const PatchShown = Patch.pick({
  id: true,
  path: true,
  from: true,
  kind: true,
  state: true,
  reason: true,
  added: true,
  removed: true,
  binary: true,
  decision: true,
  note: true,
  risk: true,
  syntax: true,
  match: true,
}).extend({
  hash: Patch.shape.after.shape.hash,
  conflicts: Patch.shape.conflicts.optional(),
});

export type PatchShown = z.output<typeof PatchShown>;

/** What of a patch is of use to an agent; what is usual is left out. */
export function shown(patch: Patch): PatchShown {
  const { hash } = patch.after;
  const match = patch.match?.filter(({ exactness }) => exactness !== "exact");
  const { syntax: _, match: __, conflicts: ___, ...brief } = PatchShown.parse(patch);
  return {
    ...brief,
    ...(hash !== undefined && { hash }),
    ...(patch.syntax && patch.syntax.status !== "ok" && { syntax: patch.syntax }),
    ...(match && match.length > 0 && { match }),
    ...(patch.conflicts.length > 0 && { conflicts: patch.conflicts }),
  };
}
