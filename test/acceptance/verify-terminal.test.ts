/** `iopipectl verify` where the daemon runs in the foreground of a terminal: what it runs does not reach that. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { canLayer } from "./layers.ts";
import { openUserScene, USERS, type User, type UserScene } from "./users.ts";

const IOPIPED = path.resolve(import.meta.dirname, "../../daemon/iopiped.ts");

/** Types into the terminals that are named (TIOCSTI); 0 where one takes it. */
const TYPES = `$c = "x"; for (@ARGV) { open T, "+<", $_ and ioctl(T, 0x5412, $c) and exit 0 } exit 1`;

/** Whoever has a terminal may type into it, unless the kernel forbids it to all. */
const canType =
  spawnSync("script", ["-qefc", `perl -e '${TYPES}' /dev/tty`, "/dev/null"], { timeout: 10_000 }).status ===
  0;

const ATTEMPTS = `
  (: <> /dev/tty) 2> /dev/null && exit 60
  test -t 0 || test -t 1 || test -t 2 && exit 61
  test "$(cut -d ' ' -f 7 /proc/$$/stat)" = 0 || exit 62
  perl -e '${TYPES}' /dev/pts/[0-9]* /dev/console /proc/[0-9]*/fd/[0-2] && exit 63
  exit 0`;

/** Resolves when the daemon serves; what is typed there, or shown, goes through the child. */
async function startOnTerminal({ home }: UserScene, user: User): Promise<ChildProcessWithoutNullStreams> {
  const command = `exec '${process.execPath}' '${IOPIPED}'`;
  const [program = "", ...args] = [...user.through, "script", "-qefc", command, "/dev/null"];
  const terminal = spawn(program, args, { env: { ...home.env, TERM: "xterm" } });
  const [shown] = await once(terminal.stdout.setEncoding("utf8"), "data");
  expect(shown).toContain(home.locations.stateDir);
  return terminal;
}

describe.runIf(canLayer && canType).each(USERS)("as $name", (user) => {
  test("it has no terminal, opens none as its own, and types into none", async () => {
    await using scene = openUserScene(user, { a: "a\n" });
    const terminal = await startOnTerminal(scene, user);
    const { pid } = JSON.parse((await scene.ctl("daemon", "status", "--json")).stdout);
    // The daemon itself has it.
    expect(spawnSync("ps", ["-o", "tty=", "-p", String(pid)]).stdout.toString()).toMatch(/^pts/);
    scene.write("b.diff", "--- /dev/null\n+++ b/b\n@@ -0,0 +1 @@\n+b\n");
    scene.own();
    expect(await scene.ctl("stage", "--patch", "b.diff")).toMatchObject({ code: 0 });
    const { code, stdout, stderr } = await scene.ctl("verify", "--", "sh", "-c", ATTEMPTS);
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: expect.stringContaining("passed") });
    const ended = once(terminal, "close");
    await scene.ctl("daemon", "stop");
    await ended;
  });
});
