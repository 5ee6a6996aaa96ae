/**
 * `setup AGENT`: shows the lines that an agent's configuration needs, and stages them as an ordinary session where the
 * person says yes. Files in the home directory are printed only: they are in no workspace.
 * INVARIANT: an agent has at most one pending session of setup's in a workspace: a key finds it again, and what it has
 * staged already counts as there.
 */

import type { Session } from "../../../protocol/methods/index.ts";
import { byPath } from "../../by-path.ts";
import { AGENTS } from "../../setup/agents.ts";
import { inSession, type Merger, onDisk, ownCommand, type Planned, plan } from "../../setup/plan.ts";
import { confirm } from "../ask.ts";
import { type Chosen, hasWork, openNewSession } from "../choose.ts";
import type { Context } from "../context.ts";
import { EXIT, UsageError } from "../failure.ts";
import { colour, isInteractive, note, print, printJson, short } from "../output.ts";
import { findWorkspace } from "../place.ts";
import { patchLine } from "../tables.ts";
import { visible, visibleLines } from "../visible.ts";
import { stageInto } from "./stage.ts";

export async function setup(context: Context, [name]: string[]): Promise<number> {
  const names = Object.keys(AGENTS);
  const agent = names.includes(name ?? "") ? AGENTS[name as string] : undefined;
  if (!agent)
    throw new UsageError(
      name === undefined ? "There is no agent named." : `${name} is not among the agents that setup knows.`,
      `It knows ${names.join(", ")}. Any other that takes MCP servers: the command is \`iopipectl mcp\`.`,
    );
  const { root, id: workspace } = await findWorkspace(context);
  const key = `iopipectl setup ${name}`;
  const begun = context.has("print") ? undefined : await pendingSession(context, workspace, key);
  const read = begun ? inSession((await context.connection()).session(begun.id)) : onDisk(root);
  const url = new URL("../../setup/merge.ts", import.meta.url);
  const files = await byPath(url, ({ merge }: Merger) =>
    Promise.all(agent.files(ownCommand(), root).map((file) => plan({ root, read, merge }, file))),
  );
  if (context.has("print")) {
    if (context.json) printJson({ files: files.map(({ path, lines }) => ({ path, lines })) });
    else describe(files, agent.remarks);
    return 0;
  }
  const open = () => openNewSession(context, `Set up ${agent.name}`, key);
  return await stageAll(context, { agent, files, begun, open });
}

/** What an earlier run has staged and nobody has settled yet. */
async function pendingSession(
  context: Context,
  workspace: string,
  key: string,
): Promise<Session | undefined> {
  const { session } = await context.call("session/find", { workspace, key });
  return session?.state === "Pending" ? session : undefined;
}

function describe(files: readonly Planned[], remarks: readonly string[]): void {
  for (const { path, lines } of files) {
    print(colour("bold", visible(path)));
    print(visibleLines(lines));
  }
  for (const remark of remarks) note(remark);
}

interface Work {
  readonly agent: (typeof AGENTS)[string];
  readonly files: readonly Planned[];
  /** The session that holds what an earlier run has staged. */
  readonly begun: Session | undefined;
  /** That session, or a new one. */
  readonly open: () => Promise<Chosen>;
}

async function stageAll(context: Context, { agent, files, begun, open }: Work): Promise<number> {
  const changes = files.flatMap(({ change }) => (change ? [change] : []));
  if (changes.length === 0) {
    if (begun && hasWork(begun)) tellStaged(context, agent.name, begun);
    else tellDone(context, agent, files);
    return 0;
  }
  if (!(await isWanted(context, files, agent.remarks))) {
    note("Nothing was staged.");
    return EXIT.failed;
  }
  const result = await stageInto(context, await open(), changes);
  context.show(result, ({ patches, session }) => {
    for (const patch of patches) print(patchLine(patch));
    note(`Staged. Next: iopipectl apply --session ${short(session.id)}`);
  });
  return 0;
}

/** All of it waits for a decision: in JSON as staging answers where it finds nothing new. */
function tellStaged(context: Context, agent: string, session: Session): void {
  context.show({ session, patches: [], warnings: [] }, () => {
    print(`Nothing new: what ${agent} needs is staged already.`);
    const named = `--session ${short(session.id)}`;
    note(`Next: iopipectl review ${named}, or iopipectl apply ${named}`);
  });
}

function tellDone(context: Context, { name, remarks }: Work["agent"], files: readonly Planned[]): void {
  const elsewhere = files.filter(({ path }) => path.startsWith("~/"));
  if (context.json) printJson({ patches: [], warnings: [] });
  else if (elsewhere.length === 0) print(`${name} is set up here already.`);
  else describeElsewhere(elsewhere, remarks);
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
