/** chokidar as its README has it, on what is there already. */
import { relative, sep } from "node:path";
import { watch } from "chokidar";
import { begin } from "../told.ts";

begin(async ({ roots, ignored }, saw) => {
  for (const root of roots) {
    const isIgnored = (path: string): boolean =>
      relative(root, path)
        .split(sep)
        .some((name) => ignored.includes(name));
    const watcher = watch(root, { ignoreInitial: true, ignored: isIgnored });
    watcher.on("all", (_, path) => saw(path));
    await new Promise((resolve, reject) =>
      watcher.once("ready", () => resolve(undefined)).once("error", reject),
    );
    // An error of one path later on, of those that come and go, is not the watcher's end.
    watcher.on("error", () => {});
  }
});
