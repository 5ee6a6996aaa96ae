/** A write of the agent's, staged in the place of being made; the reason of the denial tells the agent what has become of it. */
import type { Patch, Result } from "../../protocol/methods/index.ts";
import type { Connection } from "../connection.ts";
import type { StagedWay } from "../way.ts";
import { openSessionOf } from "./conversation.ts";
import { type Asked, type Decision, deny } from "./form.ts";
import { WRITES } from "./write-tools.ts";

export async function stageWrite(
  connection: Connection,
  way: StagedWay,
  { tool, input, conversation }: Asked,
): Promise<Decision> {
  const session = await openSessionOf(connection, way, conversation);
  const toChanges = WRITES[tool] as (typeof WRITES)[string];
  const changes = await toChanges(way.path, input, () => session.read(way.path));
  return deny(told(await session.stage(changes), way.path));
}

function told({ session, patches, warnings }: Result<"patch/stage">, path: string): string {
  if (patches.length === 0)
    return `Nothing to write: ${path} has this content already, on disk or staged in iopipe session ${session.id}.`;
  return [
    `Staged for review in iopipe session ${session.id}, and not written to disk: ${patches.map(summary).join(", ")}.`,
    "This is as it should be, no error: go on as if the change were made. Reads of the file show what is staged.",
    "Do not repeat it, and do not make it by another way such as a shell.",
    `When all is done, tell the user: \`iopipectl review --session ${session.id}\` shows it, and applies it.`,
    ...warnings,
    ...patches.filter(({ conflicts }) => conflicts.length > 0).map(collision),
  ].join("\n");
}

function summary({ kind, path, added, removed }: Patch): string {
  return `${kind} ${path} (+${added} -${removed})`;
}

function collision({ path }: Patch): string {
  return `Another pending proposal changes the same lines of ${path}.`;
}
