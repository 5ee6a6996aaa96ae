/** Operations whose content is not kept any more: they are known, and can neither be shown nor undone. */
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { OperationRow } from "../store/index.ts";

/** @throws {IopipeError} IllegalState where what the operation took and gave was cleared */
export function refuseCleared({ id, phase, endedAt }: OperationRow): void {
  if (phase !== "cleared") return;
  throw new IopipeError(
    "IllegalState",
    `The content of operation ${id}, which ended ${endedAt}, was cleared: it can neither be undone nor shown.`,
    {
      operation: id,
      cleared: true,
      hint: "Bring the files back from version control. IOPIPE_KEEP_UNDO and IOPIPE_KEEP_UNDO_BYTES say how much iopiped keeps.",
    },
  );
}
