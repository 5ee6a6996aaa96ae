/**
 * What the build makes: one table of source entries and the files in dist/ that come from them.
 * Owns the names. How they are bundled is bundle.ts. All outputs lie flat in dist/, so that a file finds its
 * neighbours by `new URL("./name", import.meta.url)` whichever bundle it ended up in.
 */

export interface Entry {
  readonly source: string;
  readonly out: string;
  /**
   * launcher: ESM with the Node check, imports daemon.js when that passed.
   * daemon: ESM bundle for a process of its own, dependencies from node_modules.
   * library: ESM, shares chunks with the other libraries, dependencies from node_modules, with .d.ts files.
   * command: one CommonJS file with everything in it, for a quick start.
   * script: a shell's, as it is.
   */
  readonly kind: "launcher" | "daemon" | "library" | "command" | "script";
  /** The name of a binary, as in package.json. */
  readonly binary?: string;
}

export const ENTRIES: readonly Entry[] = [
  { source: "daemon/iopiped.ts", out: "iopiped.js", kind: "launcher", binary: "iopiped" },
  { source: "daemon/main.ts", out: "daemon.js", kind: "daemon" },
  { source: "daemon/watch/child.ts", out: "watch-child.js", kind: "daemon" },
  { source: "daemon/staging/diff-worker.ts", out: "diff-worker.js", kind: "daemon" },
  { source: "daemon/staging/syntax/child.ts", out: "syntax-child.js", kind: "daemon" },
  { source: "daemon/layer/enter.sh", out: "enter.sh", kind: "script" },
  { source: "client/index.ts", out: "client.js", kind: "library" },
  { source: "client/atomic.ts", out: "atomic.js", kind: "library" },
  { source: "protocol/index.ts", out: "protocol.js", kind: "library" },
  { source: "client/mcp/main.ts", out: "mcp.js", kind: "daemon" },
  { source: "client/mcp/search-thread.ts", out: "mcp-search-thread.js", kind: "daemon" },
  { source: "client/hook/notebook.ts", out: "hook-notebook.js", kind: "daemon" },
  { source: "client/setup/merge.ts", out: "setup-merge.js", kind: "daemon" },
  { source: "client/cli/main.ts", out: "iopipectl.cjs", kind: "command", binary: "iopipectl" },
];
