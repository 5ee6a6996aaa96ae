/** `iopipectl run` on a terminal: what a confined command types there is not for the shell that comes after it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { expect, test } from "vitest";
import { canLayer } from "./acceptance/layers.ts";
import { openScene, sharedStage } from "./acceptance/scene.ts";
import { CTL_COMMAND } from "./fixture/cli.ts";

const stage = sharedStage();

/** TIOCSTI, for each character. */
const TYPES = `open T, "+<", "/dev/tty"; ioctl(T, 0x5412, $_) for split //, "injected\\nunfinished"`;

test.runIf(canLayer)("what it types there is dropped, finished lines and others", async () => {
  await using scene = await openScene({ on: stage() });
  const script = path.join(scene.home.directory, "on-terminal.sh");
  scene.write(
    path.relative(scene.root, script),
    `${CTL_COMMAND} run --discard -- perl -e '${TYPES}'\necho reading; read -r line; echo "got <$line>"\n`,
  );
  const child = spawn("script", ["-qefc", `sh ${script}`, "/dev/null"], {
    cwd: scene.root,
    env: scene.home.env,
  });
  let shown = "";
  let typed = false;
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    shown += piece;
    if (typed || !shown.includes("reading")) return;
    typed = true;
    child.stdin.write("typed\n");
  });
  await once(child, "close");
  expect(shown).toContain("got <typed>");
});
