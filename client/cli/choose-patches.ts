/** Which patches of a session a command's arguments mean: by path, by directory, or by id. */
import type { Patch } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { Chosen } from "./choose.ts";
import type { Context } from "./context.ts";

/** The beginning of a patch's id, as long as it is shown; it names one content, whatever is staged at its path later. */
const PATCH_ID = /^p[0-9a-f]{9,24}$/;

/**
 * The session's patches that arguments name: that of a file or with an id, or those of everything below a directory;
 * without arguments all. Only pending ones and stale ones unless `wanted` says otherwise.
 *
 * @throws {IopipeError} PatchNotFound where an argument names none.
 */
export async function choosePatches(
  context: Context,
  { session, path }: Chosen,
  args: readonly string[],
  wanted: (patch: Patch) => boolean = isOpen,
): Promise<Patch[]> {
  const { patches } = await context.call("session/get", { session: session.id });
  const candidates = patches.filter(wanted);
  if (args.length === 0) return candidates;
  const found = args.flatMap((argument) => {
    const at = path(argument);
    const here = candidates.filter(
      (patch) => at === "." || patch.path === at || patch.path.startsWith(`${at}/`),
    );
    if (here.length > 0) return here;
    const [named] = candidates.filter(({ id }) => PATCH_ID.test(argument) && id.startsWith(argument));
    if (named) return named;
    throw new IopipeError("PatchNotFound", `Session ${session.id} has no such patch: ${at}.`, { path: at });
  });
  return [...new Set(found)];
}

/** Pending, or discarded only because the disk went ahead of it. */
function isOpen({ state, reason }: Patch): boolean {
  return state === "Pending" || (state === "Discarded" && reason === "stale");
}
