/** `@parcel/watcher` bare: as it calls back, without what iopipe builds around it. */
import { join } from "node:path";
import watcher from "@parcel/watcher";
import { begin } from "../told.ts";

begin(async ({ roots, ignored }, saw) => {
  // Pinned on Linux: the default one looks for a Watchman to talk to instead.
  const backend = process.platform === "linux" ? { backend: "inotify" as const } : {};
  for (const root of roots)
    await watcher.subscribe(
      root,
      (_, events) => {
        for (const { path } of events ?? []) saw(path);
      },
      { ignore: ignored.map((name) => join(root, name)), ...backend },
    );
});
