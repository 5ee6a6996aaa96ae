/** Running commands through `iopipectl run` in tests, to their end or until the test ends them. */
import { once } from "node:events";
import type { Session } from "../../client/index.ts";
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
  readonly pid: number;
  /** The session that the command writes into. */
  readonly session: Session;
  /** Lets a script go on that waits in `read`. */
  goOn(): void;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when iopipectl has ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>;
}

/** Starts a script that says "ready" on stdout when it is where the test wants it; resolves then. */
export async function startScript(
  scene: Scene,
  script: string,
  flags: readonly string[] = [],
): Promise<Running> {
  const child = spawnIopipectl(scene.home, ["run", ...flags, "--", "sh", "-c", script], { cwd: scene.root });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (piece: string) => {
    stderr += piece;
  });
  const ended = once(child, "close").then(([code, signal]) => ({ code, signal, stderr }));
  const ready = await Promise.race([once(child.stdout, "data").then(() => undefined), ended]);
  if (ready) throw new Error(`iopipectl run ended with ${ready.code}: ${ready.stderr}`);
  const { sessions } = await scene.reviewer.call("session/list", { workspace: scene.workspace });
  const session = sessions.find(({ layer }) => layer) as Session;
  return {
    pid: child.pid as number,
    session,
    goOn: () => child.stdin.write("\n"),
    kill: (signal) => child.kill(signal),
    ended,
  };
}
