/** placeholder */
import type { ChangeOf } from "../../../protocol/methods/index.ts";
import type { Context } from "./context.ts";

export async function unifiedDiff(_context: Context, _change: ChangeOf<"unifiedDiff">): Promise<void> {}
