/** `iopipectl run` inside the test's process, on each backend that the machine offers: what it says, and its exit codes. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { InProcessOptions } from "./fixture/in-process.ts";
import { eachInRepository } from "./fixture/repositories.ts";

const here = eachInRepository();
const { at, read, ctl } = here;

beforeEach(async () => {
  await ctl(["open"]);
});

const run = (script: string, flags: readonly string[] = [], options: InProcessOptions = {}) =>
  ctl(["run", ...flags, "--", "sh", "-c", script], options);

/** Takes no room on the disk, by which a command is ended while it runs: it is too large only to be staged. */
const LARGE = "truncate -s 5M large";

describe.each([
  ["overlay", ["--backend", "overlay"]],
  ["copy", ["--backend", "copy", "--trusted"]],
])("%s", (_, flags) => {
  test("stages what a command does to the tree, which stays as it was, and lists what cannot be staged", async () => {
    const script = `
      sed -i s/two/2/ src/a.txt; rm b.txt; chmod 755 src/a.txt; ln -s a.txt src/link; mkfifo pipe
      mkdir new; echo new > new/file; echo x > .git/new`;
    const { code, stderr } = await run(script, flags);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain("4 changes are staged; the tree is as it was.");
    expect(stderr).toMatch(/not staged: pipe: .*\n/);
    expect(stderr).toMatch(/not staged: \.git: .*\n/);
    expect([read("src/a.txt"), existsSync(at("new"))]).toEqual(["one\ntwo\nthree\n", false]);
    expect(await ctl(["apply", "--yes"])).toMatchObject({ code: 0 });
    expect([read("src/a.txt"), read("src/link"), read("new/file")]).toEqual([
      "one\n2\nthree\n",
      "one\n2\nthree\n",
      "new\n",
    ]);
    expect([existsSync(at("b.txt")), existsSync(at(".git/new"))]).toEqual([false, false]);
  });

  test("names the conflict where somebody changes the same file meanwhile, and keeps both versions", async () => {
    const [written, goOn] = [`${here.root}.written`, `${here.root}.go-on`];
    const running = run(
      `echo inside > b.txt; : > '${written}'; until [ -e '${goOn}' ]; do sleep 0.05; done`,
      flags,
    );
    await expect.poll(() => existsSync(written)).toBe(true);
    writeFileSync(at("b.txt"), "by hand\n");
    writeFileSync(goOn, "");
    const { code, stderr } = await running;
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("conflict: b.txt") });
    expect(stderr).toContain("iopipectl rebase");
    expect(read("b.txt")).toBe("by hand\n");
    expect(await ctl(["apply", "--yes"])).toMatchObject({ code: 3 });
    expect((await ctl(["ls", "--json"])).stdout).toContain('"stale":1');
  });

  test("lists what it cannot stage of directories: modes, of new ones too", async () => {
    const script = `
      chmod 700 src; mkdir -m 750 new; mkdir -m 750 new/same; mkdir -m 711 new/other; mkdir usual
      for d in new new/same new/other usual; do echo x > $d/x; done; chmod 711 .`;
    const { code, stderr } = await run(script, flags);
    const lines = stderr.split("\n").filter((line) => line.startsWith("iopipe: not staged: "));
    expect({ code, lines: lines.sort() }).toEqual({
      code: 0,
      lines: [
        "iopipe: not staged: .: a directory's mode (711 instead of 755)",
        "iopipe: not staged: new/other: a new directory's mode (711; an apply makes it with 755)",
        "iopipe: not staged: new: a new directory's mode (750; an apply makes it with 755)",
        "iopipe: not staged: src: a directory's mode (700 instead of 755)",
      ],
    });
    expect(await ctl(["apply", "--yes"])).toMatchObject({ code: 0 });
    const modes = [".", "src", "new", "new/other", "usual"].map((name) => statSync(at(name)).mode & 0o7777);
    expect(modes).toEqual([0o755, 0o755, 0o755, 0o755, 0o755]);
  });

  test("ends with the command's own exit code, and may say so as JSON", async () => {
    expect(await run("exit 7", flags)).toMatchObject({
      code: 7,
      stderr: expect.stringContaining("changed nothing"),
    });
    expect(await run("kill -TERM $$", flags)).toMatchObject({ code: 143 });
    const { code, stdout } = await run("echo 1 > one", [...flags, "--json"]);
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({
      code: 0,
      session: { patches: { pending: 1 } },
      unstaged: [],
      conflicted: [],
    });
  });

  test("drops what was written where that is asked for", async () => {
    expect(await run("echo 1 > one", [...flags, "--discard"])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("was dropped"),
    });
    expect(await ctl(["status"])).toMatchObject({ stdout: expect.stringContaining("Nothing ") });
  });

  test("keeps what is larger than allowed until somebody says what is to become of it", async () => {
    const large = await run(LARGE, [...flags, "--max-size", "1MiB"]);
    expect(large).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/5242880 bytes in 1 files?; the limit is 1048576/),
    });
    const [session = ""] = large.stderr.match(/s[0-9a-f]{24}/) ?? [];
    for (const verb of ["status", "ls", "show"]) {
      const said = expect.stringMatching(
        `not staged: .*the limit is 1048576[^]*run --resume ${session}.*--max-size SIZE`,
      );
      expect(await ctl([verb])).toMatchObject({ code: 0, stdout: said });
    }
    expect(await ctl(["diff"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("the limit is 1048576"),
    });
    // Whoever stages something else is not asked to look at it.
    expect(await ctl(["stage", "b.txt"], { input: "2\n" })).toMatchObject({ code: 0 });
    expect(await ctl(["discard"])).toMatchObject({ code: 0, stdout: expect.not.stringContaining(session) });
    expect(await ctl(["run", "--resume", session, "--", "true"])).toMatchObject({ code: 125 });
    expect(await ctl(["run", "--resume", session, "--max-size", "8MiB"])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("1 change is staged"),
    });
  });

  test("ends what goes on writing, and counts nothing that was there before", async () => {
    writeFileSync(at("before"), Buffer.alloc(64 * 1024 * 1024, "x"));
    const loop = "while :; do head -c 100000 /dev/zero >> new || exit 9; sleep 0.01; done";
    const marker = `${here.root}-goes-on`;
    const script = `sh -c '${loop}' '${marker}'; true`;
    const { code, stderr } = await run(script, [...flags, "--max-size", "4MiB"]);
    expect({ code, stderr }).toEqual({ code: 125, stderr: expect.stringContaining("The command was ended") });
    await expect.poll(() => spawnSync("pgrep", ["-f", marker]).stdout.toString()).toBe("");
    const bytes = Number(/takes (\d+) bytes/.exec(stderr)?.[1]);
    expect(bytes).toBeGreaterThan(4 * 1024 * 1024);
    expect(bytes).toBeLessThan(64 * 1024 * 1024);
    expect(await ctl(["discard"])).toMatchObject({ code: 0, stderr: expect.stringContaining("for good") });
  });
});

test("a discard of the session drops what could not be staged, and says so", async () => {
  const large = () => run(`echo 1 > one; ${LARGE}`, ["--max-size", "1MiB"]);
  const layers = path.join(here.home.locations.stateDir, "layers");
  await large();
  expect(readdirSync(layers)).toHaveLength(1);
  expect(await ctl(["discard"])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("dropped for good"),
  });
  expect(readdirSync(layers)).toEqual([]);
  expect(await ctl(["status"])).toMatchObject({ stdout: expect.stringContaining("Nothing ") });

  const [session = ""] = (await large()).stderr.match(/s[0-9a-f]{24}/) ?? [];
  expect(await ctl(["discard", "--session", session])).toMatchObject({ code: 0 });
  expect(readdirSync(layers)).toEqual([]);
});

test("drops what was staged of a layer while somebody looked at it, too", async () => {
  const [written, goOn] = [`${here.root}.written`, `${here.root}.go-on`];
  const running = run(`echo 1 > one; : > '${written}'; until [ -e '${goOn}' ]; do sleep 0.05; done`, [
    "--discard",
  ]);
  await expect.poll(() => existsSync(written)).toBe(true);
  expect((await ctl(["diff", "--stat"])).stdout).toContain("one");
  writeFileSync(goOn, "");
  expect(await running).toMatchObject({ code: 0, stderr: expect.stringContaining("was dropped") });
  expect(await ctl(["status"])).toMatchObject({ stdout: expect.stringContaining("Nothing ") });
});

test("passes the directories through that are named, and only those", async () => {
  mkdirSync(at("cache"));
  const { code, stderr } = await run("echo 1 > cache/a; echo 2 > src/c.txt", ["--pass-through", "cache"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("1 change is staged") });
  expect([read("cache/a"), existsSync(at("src/c.txt"))]).toEqual(["1\n", false]);
});

test("begins where iopipectl was called, if that is in the workspace", async () => {
  expect(await run("echo here > where", [], { cwd: at("src") })).toMatchObject({ code: 0 });
  expect((await ctl(["diff", "--stat"])).stdout).toMatch(/src\/where/);
});

test.each<[string, string[], InProcessOptions, RegExp]>([
  ["without a command", ["run"], {}, /no command to run/],
  ["with an unknown backend", ["run", "--backend", "zip", "--", "true"], {}, /no zip/],
  ["with an unknown size", ["run", "--max-size", "much", "--", "true"], {}, /much is no size/],
  ["with a copy that is not trusted", ["run", "--backend", "copy", "--", "true"], {}, /trusted/],
  ["as a proposer", ["run", "--", "true"], { env: { IOPIPE_ROLE: "proposer" } }, /A proposer may not run/],
  [
    "in a layer",
    ["run", "--", "true"],
    { env: { IOPIPE_LAYER: "/somewhere" } },
    /in a layer over \/somewhere/,
  ],
])("%s it ends with 125 and says why", async (_, args, options, why) => {
  expect(await ctl(args, options)).toMatchObject({ code: 125, stderr: expect.stringMatching(why) });
});

test("a session whose run has ended has nothing to resume", async () => {
  rmSync(at("b.txt"));
  const { stdout } = await run("echo 1 > one", ["--json"]);
  const { session } = JSON.parse(stdout);
  expect(await ctl(["run", "--resume", session.id])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("1 change is staged"),
  });
});

test.each(["run", "verify"])("%s --help says where the command's output goes with --json", async (verb) => {
  const { stdout } = await ctl([verb, "--help"]);
  expect(stdout.replaceAll(/\s+/g, " ")).toContain(
    "--json print the result as JSON; what the command writes to stdout goes to stderr",
  );
});
