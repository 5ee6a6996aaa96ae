/**
 * A read of the agent's, answered with what is staged: the tool is pointed at a copy of the staged content.
 * What is not staged is read as it is; a file that is staged to go is not there any more.
 */
import type { Patch } from "../../protocol/methods/index.ts";
import type { Connection } from "../connection.ts";
import type { StagedWay } from "../way.ts";
import { findSessionOf } from "./conversation.ts";
import { keepCopy } from "./copies.ts";
import { type Asked, type Decision, deny } from "./form.ts";

export async function readStaged(
  connection: Connection,
  way: StagedWay,
  asked: Asked,
): Promise<Decision | undefined> {
  const session = await findSessionOf(connection, way, asked.conversation);
  if (!session) return undefined;
  const { patches } = await session.get();
  const patch = patches.find((each) => each.state === "Pending" && concerns(each, way.path));
  if (!patch) return undefined;
  const { path, kind, from } = patch;
  if (from === way.path)
    return deny(`${from} is staged to become ${path} (iopipe session ${session.id}): read that.`);
  if (kind === "delete") return deny(`${path} is staged to be deleted (iopipe session ${session.id}).`);
  if (patch.after.type !== "file") return undefined;
  const copy = await keepCopy(path, await session.read(path));
  return {
    permissionDecision: "allow",
    updatedInput: { ...asked.input, file_path: copy },
    additionalContext:
      `This is ${asked.file} as it is staged in iopipe session ${session.id}, read from a copy of it; on disk the file is ` +
      `unchanged as yet. Make further changes to ${asked.file}, not to the copy.`,
  };
}

function concerns({ path, from }: Patch, asked: string): boolean {
  return path === asked || from === asked;
}
