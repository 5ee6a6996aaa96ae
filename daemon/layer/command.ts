/**
 * A command that the daemon itself runs in a layer, to its end or that of its time.
 * Owns the process and what of its output is kept. It has no terminal and no stdin; its network is the machine's.
 * Invariant: when this resolves or throws, nothing runs in the layer any more: its first process took all others along.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { partEnvironment } from "./environment.ts";
import { type StartOptions, startIn } from "./start.ts";

export type Stream = "stdout" | "stderr";

export interface CommandOptions {
  /** Absolute. */
  readonly directory: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Takes what is printed, as text; the command waits until it resolves, once its pipe is full, but its end does not. */
  readonly told: (stream: Stream, text: string) => Promise<void> | undefined;
}

export interface Ended {
  /** Absent where a signal ended it. */
  readonly exitCode?: number;
  readonly timedOut: boolean;
  /** The last KEPT_CHARACTERS of both streams, as they came. */
  readonly output: string;
  readonly cut: boolean;
}

/** enter.sh's own status where the command has not begun, with the reason on stderr. A command may end with it too. */
const NO_LAYER = 125;

const KEPT_CHARACTERS = 64 * 1024;

/** How long whoever takes the output may take for what is left of it when the command has ended. */
const LAST_WORDS_MS = 5000;

/** Runs a command in a layer. @throws the signal's reason; an Error where the layer cannot be made, with why */
export async function runInLayer(where: StartOptions, options: CommandOptions): Promise<Ended> {
  const { directory, timeoutMs, signal } = options;
  signal.throwIfAborted();
  const { outer, command } = partEnvironment(options.env, where.root, options.command);
  const [program = "", ...args] = [...startIn(where), directory, ...command];
  // Detached: without the terminal that a daemon in the foreground has.
  const child = spawn(program, args, {
    cwd: "/",
    env: outer,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const kept = keepLast(KEPT_CHARACTERS);
  const over = Promise.withResolvers<void>();
  const follow = async (stream: Stream): Promise<void> => {
    const decoder = new StringDecoder("utf8");
    for await (const piece of child[stream]) {
      const text = decoder.write(piece as Buffer);
      kept.add(text);
      await Promise.race([options.told(stream, text), over.promise]);
    }
  };
  let timedOut = false;
  const kill = (): void => {
    child.kill("SIGKILL");
    over.resolve();
  };
  child.once("exit", () => setTimeout(over.resolve, LAST_WORDS_MS).unref());
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, timeoutMs);
  signal.addEventListener("abort", kill);
  try {
    const [[code]] = await Promise.all([once(child, "exit"), follow("stdout"), follow("stderr")]);
    signal.throwIfAborted();
    const { output, cut } = kept;
    if (code === NO_LAYER && !hasBegun(where)) throw new NoLayer(reasonIn(output));
    return { ...(code !== null && !timedOut && { exitCode: code as number }), timedOut, output, cut };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
    kill();
  }
}

/** The layer could not be made; the message says why. */
export class NoLayer extends Error {}

/** Whether enter.sh came to its last line; else what it printed is its own. */
function hasBegun({ place }: Pick<StartOptions, "place">): boolean {
  try {
    return readFileSync(join(place.directory, "begun"), "utf8") !== "";
  } catch {
    return false;
  }
}

function reasonIn(output: string): string {
  return /^iopipe: (.*)/m.exec(output)?.[1] ?? (output.trim() || "nothing says why");
}

function keepLast(characters: number) {
  let output = "";
  let cut = false;
  return {
    add(text: string): void {
      output += text;
      if (output.length <= 2 * characters) return;
      output = output.slice(-characters);
      cut = true;
    },
    get output() {
      return output.slice(-characters);
    },
    get cut() {
      return cut || output.length > characters;
    },
  };
}
