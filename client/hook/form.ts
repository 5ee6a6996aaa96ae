/**
 * Claude Code's PreToolUse hook in its two forms: the input on stdin, the answer on stdout.
 * Source: code.claude.com/docs/en/hooks (common input fields, PreToolUse input, PreToolUse decision control).
 */
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { IopipeError } from "../../protocol/wire/errors.ts";

/** One conversation with the agent; all its writes are reviewed together. */
export interface Conversation {
  readonly session_id: string;
  /** Absolute: where the agent works. */
  readonly cwd: string;
}

/** A tool's call that the hook is asked about. */
export interface Asked {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly conversation: Conversation;
  /** Absolute. */
  readonly file: string;
}

/** `hookSpecificOutput` of PreToolUse. A denial's reason is shown to the model. */
export type Decision =
  | { readonly permissionDecision: "deny"; readonly permissionDecisionReason: string }
  | {
      readonly permissionDecision: "allow";
      /** The whole input of the tool, changed or not. */
      readonly updatedInput: Readonly<Record<string, unknown>>;
      readonly additionalContext: string;
    };

/** A decision, or a word to the person beside which the tool's call passes. */
export type HookAnswer = Decision | { readonly systemMessage: string };

/** The input as an object; undefined where it is none, or of another event. */
export function parsePreToolUse(text: string): Record<string, unknown> | undefined {
  try {
    const parsed = JSON.parse(text);
    return parsed?.hook_event_name === "PreToolUse" ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** @throws {IopipeError} InvalidParams for a known tool in a form that is not the documented one */
export function askedOf(tool: string, { tool_input, session_id, cwd }: Record<string, unknown>): Asked {
  const input = (tool_input ?? {}) as Record<string, unknown>;
  const file = input.file_path ?? input.notebook_path;
  if (typeof file !== "string" || typeof session_id !== "string" || session_id === "")
    throw new IopipeError(
      "InvalidParams",
      `This form of ${tool} is not known: it names no file or no conversation.`,
      {
        hint: "Claude Code may be newer than this iopipe: look for a newer one, or set IOPIPE_DISABLE=1 meanwhile.",
      },
    );
  const at = typeof cwd === "string" && isAbsolute(cwd) ? cwd : process.cwd();
  return { tool, input, conversation: { session_id, cwd: at }, file: resolve(at, atHome(file)) };
}

/** As Claude Code's tools take a path: they know the home directory's tilde, which is no directory of the project. */
function atHome(file: string): string {
  return file === "~" || file.startsWith("~/") ? join(process.env.HOME || homedir(), file.slice(1)) : file;
}

export function deny(reason: string): Decision {
  return { permissionDecision: "deny", permissionDecisionReason: reason };
}

/** What is printed. */
export function printed(answer: HookAnswer): object {
  if ("systemMessage" in answer) return answer;
  return { hookSpecificOutput: { hookEventName: "PreToolUse", ...answer } };
}
