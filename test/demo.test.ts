/** `npm start`, as a process of its own: its exit status, what it shows, and that nothing of it stays. */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { type TestHome, testHome } from "./fixture/server.ts";

const DEMO = path.resolve(import.meta.dirname, "../scripts/demo.ts");

interface Run {
  readonly status: number | null;
  readonly output: string;
  readonly seconds: number;
}

/** Runs a program with its temporary files below `home`; `onOutput` is called with all of its output so far. */
function run(
  home: TestHome,
  [program = "", ...args]: string[],
  onOutput: (output: string, type: (keys: string) => void) => void = () => {},
): Promise<Run> {
  const began = performance.now();
  const child = spawn(program, args, { env: { ...home.env, TMPDIR: temporary(home), TERM: "xterm" } });
  let output = "";
  const take = (piece: string): void => {
    output += piece;
    onOutput(output, (keys) => child.stdin.write(keys));
  };
  child.stdout.setEncoding("utf8").on("data", take);
  child.stderr.setEncoding("utf8").on("data", take);
  return new Promise((resolve) => {
    child.once("close", (status) => resolve({ status, output, seconds: (performance.now() - began) / 1000 }));
  });
}

function temporary({ directory }: TestHome): string {
  const temporaryDirectory = path.join(directory, "t");
  mkdirSync(temporaryDirectory, { recursive: true });
  return temporaryDirectory;
}

/** Fails unless the daemon that the demo has named is gone, and the demo's directory with it. */
async function expectNothingLeft(home: TestHome, { output }: Run): Promise<void> {
  const pid = Number(/iopiped \S+ \(pid (\d+)\) serves/.exec(output)?.[1]);
  expect(pid).toBeGreaterThan(0);
  // Killed with its parent, it keeps its id until init has asked for its status.
  await expect.poll(() => isRunning(pid)).toBe(false);
  expect(readdirSync(temporary(home))).toEqual([]);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("it shows the main job and ends with the table, in less than a minute", async () => {
  await using home = testHome();
  const demo = await run(home, [process.execPath, DEMO]);
  expect(demo.status, demo.output).toBe(0);
  expect(demo.seconds).toBeLessThan(60);
  for (const shown of [
    /\d{3} files of this project and its dependencies/,
    /^ {2}\+\/\/ Reviewed by the agent\.$/m,
    /operation o[0-9a-f]{24} is committed/,
    /\d ms {2}HIGH {2}iopipe {4}created {3}app\/tools\/lint\/check\.ts$/m,
    /\d ms {2}MED {3}external {2}created {3}notes\.txt$/m,
    /refused: Undoing o[0-9a-f]{24} would overwrite later edits of app\/protocol\/wire\/limits\.ts/,
    /offered: leave app\/protocol\/wire\/limits\.ts/,
    /git sees one change under the root/,
  ])
    expect(demo.output).toMatch(shown);
  const [, table = ""] = demo.output.split("What took how long\n");
  for (const step of ["stage 8 changes", "diff them", "apply 8 changes", "undo, refused", "undo 7 changes"])
    expect(table).toMatch(new RegExp(`^  ${step} +\\d+\\.\\d ms$`, "m"));
  // A pipe gets no colours.
  expect(demo.output.includes("\u001b")).toBe(false);
  await expectNothingLeft(home, demo);
});

test("on a terminal the diff is coloured; ^C leaves no daemon behind", async () => {
  await using home = testHome();
  let pressed = false;
  const command = ["script", "-qefc", `'${process.execPath}' '${DEMO}'`, "/dev/null"];
  const demo = await run(home, command, (output, type) => {
    if (pressed || !output.includes("Somebody approves")) return;
    pressed = true;
    type("\u0003");
  });
  expect(demo.status, demo.output).toBe(130);
  expect(demo.output).toContain("\u001b[32m+// Reviewed by the agent.\u001b[39m");
  expect(demo.output).not.toContain("What took how long");
  await expectNothingLeft(home, demo);
});
