/** The files below a directory as the session sees it now, this call's own changes included: what becomes of a folder. */
import { IopipeError } from "../../../../protocol/wire/errors.ts";
import { MAX_CHANGES } from "../../../../protocol/wire/limits.ts";
import { joinPath } from "../../../disk/index.ts";
import type { Pace } from "../../pace.ts";
import { assertNoDirectory } from "../../places.ts";
import type { View } from "../../view.ts";

/** Sorted. @throws {IopipeError} NotAFile where something else is below it, TooLarge */
export async function filesBelow(view: View, directory: string, pace: Pace): Promise<string[]> {
  const found = new Set<string>();
  await collect(view, directory, found, pace);
  const isBelow = (path: string): boolean => path.startsWith(`${directory}/`);
  for (const path of [...view.stagedBelow(directory), ...view.touched].filter(isBelow)) found.add(path);
  const there: string[] = [];
  for (const path of found) {
    await pace();
    const type = await view.typeOf(path);
    if (type === "absent" || type === "directory") continue;
    assertNoDirectory({ path, type });
    there.push(path);
  }
  return there.sort();
}

/** What is on disk. Links are listed, never followed. */
async function collect(view: View, directory: string, found: Set<string>, pace: Pace): Promise<void> {
  if ((await view.diskTypeOf(directory)) !== "directory") return;
  for (const { name, type } of await view.tree.list(directory)) {
    await pace();
    const path = joinPath(directory, name);
    if (type === "directory") await collect(view, path, found, pace);
    else found.add(path);
    if (found.size > MAX_CHANGES)
      throw new IopipeError("TooLarge", `${directory} has more than ${MAX_CHANGES} files.`, {
        path: directory,
      });
  }
}
