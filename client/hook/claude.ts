/**
 * Claude Code's PreToolUse hook: what of it is staged, what is answered, and what passes.
 * Owns the decision; the forms are form.ts.
 * INVARIANT: what is not known here passes untouched, which is no answer at all. A write that was asked for in a
 * workspace is never let through because something of ours failed: then it is denied, and the reason says what failed.
 */
import { IopipeError, isKind } from "../../protocol/wire/errors.ts";
import { connect } from "../connect.ts";
import type { Connection } from "../connection.ts";
import { isInside, realPlace } from "../enclosing.ts";
import { nextStep } from "../next-step.ts";
import { type StagedWay, wayOf } from "../way.ts";
import { copiesDirectory } from "./copies.ts";
import { type Asked, askedOf, deny, type HookAnswer, parsePreToolUse, printed } from "./form.ts";
import { readStaged } from "./reads.ts";
import { WORDS } from "./words.ts";
import { WRITES } from "./write-tools.ts";
import { stageWrite } from "./writes.ts";

/** Longest that the hook takes, in milliseconds: Claude Code ends it after 60 s by default, and then lets the tool run. */
const LIMIT_MS = 30_000;

/** What became of a tool's call. */
export interface Answered {
  /** To be printed; absent: print nothing, let it pass. */
  readonly answer?: object | undefined;
  /** Why a write was denied that was to be staged; the answer has its words. */
  readonly failure?: unknown;
}

/** Answers `text`, the hook's input. Never throws. */
export async function answerClaude(text: string): Promise<Answered> {
  const input = parsePreToolUse(text);
  if (!input) return {};
  const { answer, failure } = await decide(input);
  return { answer: answer && printed(answer), failure };
}

interface Decided {
  readonly answer?: HookAnswer | undefined;
  readonly failure?: unknown;
}

async function decide(input: Record<string, unknown>): Promise<Decided> {
  const { tool_name: tool } = input;
  if (tool !== "Read" && !(typeof tool === "string" && Object.hasOwn(WRITES, tool))) return {};
  const writes = tool !== "Read";
  let connection: Promise<Connection> | undefined;
  const connected = (): Promise<Connection> => {
    connection ??= connect({ role: "proposer", client: { name: "iopipectl hook claude" } });
    return connection;
  };
  const late = timeLimit();
  try {
    return { answer: await Promise.race([decideOn(askedOf(tool, input), connected), late.passed]) };
  } catch (error) {
    if (writes) return { answer: deny(failed(error)), failure: error };
    return { answer: { systemMessage: `iopipe: ${failed(error)}` } };
  } finally {
    late.clear();
    connection?.then(
      (made) => made.close(),
      () => {},
    );
  }
}

async function decideOn(asked: Asked, connected: () => Promise<Connection>): Promise<HookAnswer | undefined> {
  const writes = asked.tool !== "Read";
  if (writes && isInside(copiesDirectory(), asked.file)) return deny(COPY);
  const way = await stagedWay(asked, connected);
  if (way === undefined || "systemMessage" in way) return writes ? way : undefined;
  const connection = await connected();
  return writes ? await stageWrite(connection, way, asked) : await readStaged(connection, way, asked);
}

const COPY =
  "This file is iopipe's copy of a staged file, made for reading. Change the file that it is a copy of: it is staged.";

/** Undefined where the call is to pass: iopipe is off, a layer catches the write, or the file is in no workspace. */
async function stagedWay(
  { file, conversation }: Asked,
  connected: () => Promise<Connection>,
): Promise<StagedWay | { systemMessage: string } | undefined> {
  try {
    const way = await wayOf(file, connected);
    return way.way === "staged" ? way : undefined;
  } catch (error) {
    if (!isKind(error, "WorkspaceNotFound")) throw error;
    const project = process.env.CLAUDE_PROJECT_DIR || conversation.cwd;
    // Elsewhere it is none of ours; in the project itself the person believes that writes are staged.
    if (!isInside(realPlace(project), realPlace(file))) return undefined;
    const fact = `${file} is not staged: ${project} is no open workspace.`;
    return { systemMessage: `iopipe: ${fact} Open it with \`iopipectl open ${project}\`.` };
  }
}

/** An error of any kind, for a model to read: the fact and the next step. */
function failed(error: unknown): string {
  const fact = error instanceof Error ? error.message : String(error);
  if (!(error instanceof IopipeError)) return fact;
  return `${error.kind}: ${fact}${/[.!?]$/.test(fact) ? "" : "."} ${nextStep(error.kind, error.data.hint, WORDS)}`;
}

function timeLimit(): { passed: Promise<never>; clear: () => void } {
  const { promise, reject } = Promise.withResolvers<never>();
  const fact = `iopipe's daemon has not answered for ${LIMIT_MS / 1000} s, so nothing was written to disk.`;
  const hint = "The person can look with `iopipectl doctor`.";
  const timer = setTimeout(() => reject(new IopipeError("Timeout", fact, { hint })), LIMIT_MS);
  return { passed: promise, clear: () => clearTimeout(timer) };
}
