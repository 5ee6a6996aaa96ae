/**
 * A review as a person does it: iopipectl in a real terminal (tmux), keys typed when the question is there. One patch
 * is edited, one rejected, the rest applied.
 */
import { execFileSync, spawnSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";
import { CTL_COMMAND } from "../fixture/cli.ts";
import { openScene, type Scene } from "./scene.ts";

const has = spawnSync("tmux", ["-V"]).error === undefined;
if (!has) process.stderr.write("NOT TESTED: the review in a terminal; there is no tmux.\n");

/** A terminal of its own server, 120 by 50; to be disposed of before the scene. */
function openTerminal({ home, root }: Scene, command: string, env: Record<string, string> = {}) {
  const socket = path.join(home.directory, "tmux");
  const tmux = (...args: string[]): string =>
    execFileSync("tmux", ["-S", socket, "-f", "/dev/null", ...args], {
      encoding: "utf8",
      env: { ...process.env, ...home.env, PAGER: "cat", TERM: "xterm-256color", ...env },
    });
  tmux("new-session", "-d", "-x", "120", "-y", "50", "-c", root, `${command}; echo "exit $?"; exec cat`);
  const screen = (): string => tmux("capture-pane", "-p", "-S", "-").trimEnd();
  return {
    screen,
    /** Waits until the last line on the screen matches, then types, and waits for the echo: the next question may read alike. */
    answer: async (question: RegExp, ...keys: string[]): Promise<void> => {
      await expect.poll(() => screen().split("\n").at(-1), { interval: 50 }).toMatch(question);
      const asked = screen();
      tmux("send-keys", ...keys, "Enter");
      await expect.poll(screen, { interval: 50 }).not.toBe(asked);
    },
    ends: (): Promise<unknown> =>
      expect.poll(() => screen().split("\n").at(-1), { interval: 50 }).toMatch(/^exit \d+$/),
    /** Before the scene's directory goes, in which its socket is. */
    [Symbol.dispose]: () => void spawnSync("tmux", ["-S", socket, "kill-server"]),
  };
}

test.runIf(has)("a patch is edited, one rejected, the rest applied", async () => {
  await using scene = await openScene({
    files: { a: "one\n", b: "b\n", c: "c\n", d: "d\n" },
    killable: true,
  });
  const session = await scene.proposer.openSession({ workspace: scene.workspace, title: "Four files" });
  await session.stage(
    ["a", "b", "c", "d"].map((file) => ({ kind: "write", path: file, content: `new ${file}\n` })),
  );
  using terminal = openTerminal(scene, `${CTL_COMMAND} review --session ${session.id}`, {
    EDITOR: "sed -i s/new/edited/",
  });
  const asks = /^Approve\? .*uit:$/;
  await terminal.answer(asks, "y");
  await terminal.answer(asks, "e");
  await terminal.answer(asks, "n");
  await terminal.answer(/^Why\? .*empty\)$/, "not this one");
  await terminal.answer(asks, "y");
  await terminal.answer(/^Apply 3 approved patches\? \[y.N\]$/, "y");
  await terminal.ends();
  expect(terminal.screen()).toMatch(/Applied 3 patches[\s\S]*exit 0$/);
  expect(["a", "b", "c", "d"].map((file) => scene.read(file))).toEqual([
    ...["new a\n", "edited b\n", "c\n", "new d\n"],
  ]);
  const { patches } = await session.get();
  expect(patches.find(({ path: file, reason }) => file === "c" && reason === "rejected")).toMatchObject({
    note: "not this one",
  });
});

test.runIf(has)("a diff in two columns", async () => {
  await using scene = await openScene({ files: { a: "one\ntwo\nthree\n" }, killable: true });
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  await session.write("a", "one\n2\nthree\nfour\u001b[31m\n");
  using terminal = openTerminal(scene, `${CTL_COMMAND} diff --side-by-side`);
  await terminal.ends();
  const columns = terminal
    .screen()
    .split("\n")
    .flatMap((line) => (line.includes("│") ? [line.split("│").map((half) => half.trim())] : []));
  expect(columns).toEqual([
    ["1 one", "1 one"],
    ["2 two", "2 2"],
    ["3 three", "3 three"],
    ["", "4 four\\x1b[31m"],
  ]);
});
