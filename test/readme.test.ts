/**
 * README.md, done as a newcomer does it: every command is run, in order, and prints what the page says.
 * Only npm's commands are left to others: `npm start` to demo.test.ts, the rest to what runs this test.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { EXIT, exitCodeOfKind } from "../client/cli/failure.ts";
import packageJson from "../package.json" with { type: "json" };
import { ERRORS } from "../protocol/wire/index.ts";
import { startingHome } from "./fixture/cli.ts";
import { type Block, blocksOf } from "./readme/blocks.ts";
import { makeCheckout, makeRepository } from "./readme/checkout.ts";
import { openShell, type Shell } from "./readme/shell.ts";

const root = path.dirname(import.meta.dirname);
const readme = readFileSync(path.join(root, "README.md"), "utf8");
const blocks = blocksOf(readme);
const commands = blocks.filter(({ language }) => language === "sh");
const isNpm = ({ text }: Block): boolean => text.startsWith("npm ");
/** For the second terminal; what it is to print are the only lines of changes on the page. */
const isWatch = ({ text }: Block): boolean => text === "iopipectl watch\n";

/** Where no socat is installed: the same bytes to the same socket. */
const SOCAT = `command -v socat >/dev/null || socat() { node -e '
  const socket = require("node:net").connect(process.argv[1].replace("UNIX-CONNECT:", ""));
  process.stdin.pipe(socket).pipe(process.stdout);
' "$3"; }`;

test("every command is run and prints what the page says", { timeout: 120_000 }, async () => {
  await using home = startingHome();
  const checkout = path.join(home.directory, "iopipe");
  const repository = path.join(home.directory, "your/repository");
  await makeCheckout(checkout);
  makeRepository(repository);
  saveClient(checkout);
  await using terminal = openShell(checkout, home.env);
  await using second = openShell(checkout, home.env);
  await terminal.run(SOCAT);
  const asThePage = (output: string): string => generic(output.replaceAll(home.directory, "/home/you"));

  let setUp = "";
  let seen = (): string => "";
  for (const block of commands.filter((each) => !isNpm(each))) {
    if (isWatch(block)) {
      await second.run(setUp);
      seen = await startWatch(second, block.text, repository);
      continue;
    }
    const { output, status } = await terminal.run(block.text);
    expect({ line: block.line, output: asThePage(output) }).toEqual({
      line: block.line,
      output: generic(outputAfter(block)),
    });
    expect(status, output).toBe(0);
    setUp += isSetUp(block) ? block.text : "";
  }
  const watched = blocks.find(({ text }) => /^A HIGH/.test(text))?.text ?? "";
  expect(ofTheTour(seen())).toEqual(ofTheTour(watched));
  expect(git(repository, "status", "--porcelain")).toBe("");
});

test("the client in TypeScript has ten lines, and their types are right", async () => {
  await using home = startingHome();
  await makeCheckout(home.directory);
  const client = saveClient(home.directory);
  expect(client.text.trim().split("\n").length).toBeLessThanOrEqual(11);
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  const project = path.join(home.directory, "tsconfig.client.json");
  writeFileSync(project, JSON.stringify({ extends: "./tsconfig.json", files: ["hello.mts"], include: [] }));
  execFileSync(process.execPath, [tsc, "-p", project], { encoding: "utf8" });
});

test("npm's commands are scripts of package.json, or its own", () => {
  const lines = blocks.filter(isNpm).flatMap(({ text }) => text.trim().split(/\n| && /));
  const scripts = lines.map((line) => line.replace(/^npm (run )?/, ""));
  expect(scripts.filter((name) => name !== "ci" && !Object.hasOwn(packageJson.scripts, name))).toEqual([]);
});

test("the exit codes are all that iopipectl has", () => {
  const listed = [...readme.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
  const kinds = Object.keys(ERRORS).map(exitCodeOfKind);
  expect(listed).toEqual([...new Set([0, ...Object.values(EXIT), ...kinds])].sort((a, b) => a - b));
});

test("what the page links to and every folder of its map exist", () => {
  const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map(([, target = ""]) => target);
  const folders = [...readme.matchAll(/^\| `([\w/.-]+\/)` *\|/gm)].map(([, folder = ""]) => folder);
  expect(links.length * folders.length).toBeGreaterThan(0);
  for (const target of [...links, ...folders]) expect(existsSync(path.join(root, target)), target).toBe(true);
});

/** Saves the page's client where the page says. */
function saveClient(checkout: string): Block {
  const [client, ...others] = blocks.filter(({ language }) => language === "ts");
  expect(others).toEqual([]);
  writeFileSync(path.join(checkout, "hello.mts"), client?.text ?? "");
  return client as Block;
}

/** The block of output that follows a block of commands; none where the next block is one of commands again. */
function outputAfter(block: Block): string {
  const next = blocks[blocks.indexOf(block) + 1];
  return next?.language === "text" && !/^A HIGH/.test(next.text) ? next.text : "";
}

/** What a second terminal needs too: the command, and the directory. */
function isSetUp({ text }: Block): boolean {
  return /^(IOPIPE=|cd )/.test(text);
}

/** Starts `iopipectl watch` and waits until it sees the repository's changes. */
async function startWatch(shell: Shell, command: string, repository: string): Promise<() => string> {
  const { seen } = shell.start(command);
  const probe = path.join(repository, "probe");
  await vi.waitFor(
    () => {
      writeFileSync(probe, `${performance.now()}\n`);
      expect(seen()).toContain("probe");
    },
    { timeout: 20_000 },
  );
  rmSync(probe);
  await vi.waitFor(() => expect(seen()).toMatch(/^D .*probe/m), { timeout: 20_000 });
  return seen;
}

/** Without what differs from run to run: ids, times, and how far the watcher is. */
function generic(output: string): string {
  return output
    .replace(/\b([spo])[0-9a-f]{9,24}\b/g, "$1…")
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "<time>")
    .replace("watching: crawling", "watching: live");
}

/** The lines about the tour's file; a shell's `>` may be seen as two modifications, and counts once. */
function ofTheTour(watched: string): string[] {
  const lines = watched.split("\n").filter((line) => line.includes("tour.txt"));
  return lines.filter((line, at) => line !== lines[at - 1]);
}

function git(cwd: string, ...args: string[]): string {
  return execFileSync("git", args, { cwd, encoding: "utf8" });
}
