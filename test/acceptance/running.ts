/** Running commands through `iopipectl run` in tests, to their end or until the test ends them. */
import { once } from "node:events";
import { type CliOptions, type CliResult, iopipectl, spawnIopipectl } from "../fixture/cli.ts";
import type { Scene } from "./scene.ts";

/** Runs a shell's script in the scene's repository. */
export function runScript(
  { home, root }: Pick<Scene, "home" | "root">,
  script: string,
  flags: readonly string[] = [],
  options: CliOptions = {},
): Promise<CliResult> {
  return iopipectl(home, ["run", ...flags, "--", "sh", "-c", script], { cwd: root, ...options });
}

export interface Running {
  /** The session that the command writes into. */
  readonly session: string;
  /** Lets a script go on that waits in `read`. */
  goOn(): void;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when iopipectl has ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>;
}

/** Starts a script that says "ready" on stdout when it is where the test wants it; resolves then. Nobody has looked yet. */
export async function startScript(
  { home, root }: Pick<Scene, "home" | "root">,
  script: string,
  flags: readonly string[] = [],
): Promise<Running> {
  const named = `echo "$IOPIPE_SESSION"; ${script}`;
  const child = spawnIopipectl(home, ["run", ...flags, "--", "sh", "-c", named], { cwd: root });
  let [stdout, stderr] = ["", ""];
  child.stderr.setEncoding("utf8").on("data", (piece: string) => {
    stderr += piece;
  });
  const ended = once(child, "close").then(([code, signal]) => ({ code, signal, stderr }));
  const ready = new Promise<undefined>((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      stdout += piece;
      if (stdout.includes("ready\n")) resolve(undefined);
    });
  });
  const early = await Promise.race([ready, ended]);
  if (early) throw new Error(`iopipectl run ended with ${early.code}: ${early.stderr}`);
  return {
    session: stdout.slice(0, stdout.indexOf("\n")),
    goOn: () => child.stdin.write("\n"),
    kill: (signal) => child.kill(signal),
    ended,
  };
}
