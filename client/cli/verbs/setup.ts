/**
 * `setup AGENT`: shows the lines that an agent's configuration needs, and stages them as an ordinary session where the
 * person says yes. Files in the home directory are printed only: they are in no workspace.
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { byPath } from "../../by-path.ts";
import type { WriteInput } from "../../content.ts";
import { AGENTS, type Command } from "../../setup/agents.ts";
import type { Lines } from "../../setup/form.ts";
import { confirm } from "../ask.ts";
import { openNewSession } from "../choose.ts";
import type { Context } from "../context.ts";
import { EXIT, UsageError } from "../failure.ts";
import { colour, isInteractive, note, print, printJson, short } from "../output.ts";
import { findWorkspace } from "../place.ts";
import { patchLine } from "../tables.ts";
import { visible, visibleLines } from "../visible.ts";
import { stageInto } from "./stage.ts";

/** One file with its lines. */
interface Planned {
  /** Relative to the root, or with `~/`. */
  readonly path: string;
  /** The lines by themselves. */
  readonly lines: string;
  /** What is to be staged; absent where the file has the lines, or is in the home directory. */
  readonly change?: WriteInput;
}

export async function setup(context: Context, [name]: string[]): Promise<number> {
  const names = Object.keys(AGENTS);
  const agent = names.includes(name ?? "") ? AGENTS[name as string] : undefined;
  if (!agent)
    throw new UsageError(
      name === undefined ? "There is no agent named." : `${name} is not among the agents that setup knows.`,
      `It knows ${names.join(", ")}. Any other that takes MCP servers: the command is \`iopipectl mcp\`.`,
    );
  const { root } = await findWorkspace(context);
  const url = new URL("../../setup/merge.ts", import.meta.url);
  const files = await byPath(url, ({ merge }: Merger) =>
    agent.files(ownCommand(), root).map((file) => plan(root, file, merge)),
  );
  if (context.has("print")) {
    if (context.json) printJson({ files: files.map(({ path, lines }) => ({ path, lines })) });
    else describe(files, agent.remarks);
    return 0;
  }
  return await stageAll(context, agent.name, files, agent.remarks);
}

/** By its name where a shell would find it; else as this process was started. */
function ownCommand(): Command {
  const directories = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((directory) => directory.startsWith("/"));
  if (directories.some((directory) => existsSync(join(directory, "iopipectl"))))
    return { program: "iopipectl", args: [] };
  return { program: process.execPath, args: process.argv.slice(1, 2) };
}

interface Merger {
  merge(text: string, lines: Lines, path: string): string;
}

type ConfigFile = ReturnType<(typeof AGENTS)[string]["files"]>[number];

function plan(root: string, { path: usual, or = [], lines }: ConfigFile, merge: Merger["merge"]): Planned {
  const path = [usual, ...or].find((each) => existsSync(join(root, each))) ?? usual;
  const alone = merge("", lines, path);
  if (path.startsWith("~/")) return { path, lines: alone };
  const before = existsSync(join(root, path)) ? readFileSync(join(root, path)) : undefined;
  const text = before?.toString("utf8") ?? "";
  const content = merge(text, lines, path);
  if (content === text) return { path, lines: alone };
  // What was read is what is changed: an edit in between is a stale proposal, and no lost edit.
  const base = before
    ? { baseHash: createHash("sha256").update(before).digest("hex") }
    : { createOnly: true };
  return { path, lines: alone, change: { kind: "write", path, content, ...base } };
}

function describe(files: readonly Planned[], remarks: readonly string[]): void {
  for (const { path, lines } of files) {
    print(colour("bold", visible(path)));
    print(visibleLines(lines));
  }
  for (const remark of remarks) note(remark);
}

async function stageAll(
  context: Context,
  agent: string,
  files: readonly Planned[],
  remarks: readonly string[],
): Promise<number> {
  const changes = files.flatMap(({ change }) => (change ? [change] : []));
  const elsewhere = files.filter(({ path }) => path.startsWith("~/"));
  if (changes.length === 0) {
    if (context.json) printJson({ patches: [], warnings: [] });
    else if (elsewhere.length === 0) print(`${agent} is set up here already.`);
    else describeElsewhere(elsewhere, remarks);
    return 0;
  }
  if (!(await isWanted(context, files, remarks))) {
    note("Nothing was staged.");
    return EXIT.failed;
  }
  const chosen = await openNewSession(context, `Set up ${agent}`);
  const result = await stageInto(context, chosen, changes);
  context.show(result, ({ patches, session }) => {
    for (const patch of patches) print(patchLine(patch));
    note(`Staged. Next: iopipectl apply --session ${short(session.id)}`);
  });
  return 0;
}

function describeElsewhere(files: readonly Planned[], remarks: readonly string[]): void {
  note("Add these lines to the file in your home directory, which is in no workspace:");
  describe(files, remarks);
}

/** @throws {UsageError} where nobody can be asked and nobody said yes */
async function isWanted(
  context: Context,
  files: readonly Planned[],
  remarks: readonly string[],
): Promise<boolean> {
  if (context.has("yes")) return true;
  if (context.json || !isInteractive())
    throw new UsageError(
      "There is nobody to ask.",
      "Look with --print, then say --yes: it is staged, not written.",
    );
  describe(
    files.filter(({ change }) => change),
    remarks,
  );
  return confirm(context, "Stage this as a proposal?");
}
