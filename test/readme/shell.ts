/** A person's terminal: one bash that runs block after block, so that functions, variables and the directory stay. */
import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Shell extends AsyncDisposable {
  /** Types a block in; gives what it wrote to stdout and stderr together, and its last command's status. */
  run(block: string): Promise<{ output: string; status: number }>;
  /** Types a block in that does not end by itself; `seen` gives what it has written so far. */
  start(block: string): { seen(): string };
}

/** Starts it in a process group of its own, which its disposal ends with all that still runs in it. */
export function openShell(cwd: string, env: Readonly<Record<string, string>>): Shell {
  const bash = spawn("bash", { cwd, env, detached: true, stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(bash, "exit");
  let output = "";
  bash.stdout.setEncoding("utf8").on("data", (piece: string) => {
    output += piece;
  });
  const type = (block: string): void => {
    output = "";
    bash.stdin.write(`{\n${block}\n} 2>&1 </dev/null; echo "@@$?"\n`);
  };
  return {
    async run(block) {
      type(block);
      for (;;) {
        const end = /@@(\d+)\n$/.exec(output);
        if (end) return { output: output.slice(0, end.index), status: Number(end[1]) };
        await Promise.race([once(bash.stdout, "data"), exited.then(() => Promise.reject(new Error(output)))]);
      }
    },
    start(block) {
      type(block);
      return { seen: () => output };
    },
    async [Symbol.asyncDispose]() {
      process.kill(-(bash.pid as number), "SIGKILL");
      await exited;
    },
  };
}
