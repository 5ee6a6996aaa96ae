/** Placeholder while the parts are written; see types.ts for the interface. */

import type { RootWatch, WatchOptions } from "./types.ts";

/** Starts watching a root; answers at once, the crawl goes on behind. */
export function watchRoot(_options: WatchOptions): RootWatch {
  throw new Error("daemon/watch is being built");
}
