/** `iopipectl run` on a terminal: ^C ends the command, and then asks what becomes of what it wrote. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { CTL_COMMAND, onTerminal } from "../fixture/cli.ts";
import { runScript } from "./running.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();

/** Types ^C when the script is ready, and `answer` when it is asked. */
async function interrupt(
  { home, root }: Scene,
  script: string,
  answer: string,
): Promise<{ code: number; output: string }> {
  // Not beside a shell, which would answer ^C too.
  const command = `exec ${CTL_COMMAND} run -- sh -c '${script}'`;
  const terminal = spawn("script", ["-qefc", command, "/dev/null"], {
    cwd: root,
    env: { ...home.env, TERM: "xterm", NO_COLOR: "1" },
  });
  const keys: [RegExp, string][] = [
    [/ready/, "\u0003"],
    // A prompt that is not there yet would lose the key: it ends with a move of the cursor.
    [/\[K\/d\] \S+G$/, `${answer}\r`],
  ];
  let output = "";
  terminal.stdout.setEncoding("utf8").on("data", (piece: string) => {
    output += piece;
    const [next] = keys;
    if (!next?.[0].test(output)) return;
    keys.shift();
    terminal.stdin.write(next[1]);
  });
  const [code] = await once(terminal, "close");
  return { code, output };
}

/** A shell that is just starting a program may lose a signal; one that has a trap does not. */
const WAITS = 'echo x > x; trap "exit 130" INT; echo ready; while :; do sleep 0.01; done';

test.each([
  ["k", "1 change is staged"],
  ["", "1 change is staged"],
  ["d", "was dropped"],
])("^C, then %j", async (answer, said) => {
  await using scene = await openScene({ on: stage() });
  const { code, output } = await interrupt(scene, WAITS, answer);
  expect({ code, output }).toEqual({ code: 130, output: expect.stringContaining(said) });
});

test("a command that does not end by ^C goes on, and nobody is asked before it has ended", async () => {
  await using scene = await openScene({ on: stage() });
  const script =
    'trap "echo caught; sleep 0.2; echo y > y; exit 6" INT; echo ready; while :; do sleep 0.01; done';
  const { code, output } = await interrupt(scene, script, "k");
  expect({ code, output }).toEqual({ code: 6, output: expect.any(String) });
  expect(output).toMatch(/caught.*Interrupted.*1 change is staged/s);
});

test("what could not be staged is dropped when somebody says yes to that, and not before", async () => {
  await using scene = await openScene({ on: stage() });
  await runScript(scene, "head -c 3000 /dev/zero > big", ["--max-size", "2KiB"]);
  const discard = (input: string) => onTerminal(scene.home, ["discard"], { cwd: scene.root, input });
  const kept = await discard("n\r");
  expect(kept).toMatchObject({ code: 1, stdout: expect.stringContaining("Nothing was changed") });
  expect((await runScript(scene, "true")).code).toBe(0);
  const dropped = await discard("y\r");
  expect(dropped).toMatchObject({ code: 0, stdout: expect.stringContaining("dropped for good") });
  expect(await discard("y\r")).toMatchObject({ stdout: expect.stringContaining("Nothing is pending") });
});
