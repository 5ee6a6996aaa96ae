/**
 * The rules of the house as data: who may import whom, and who alone knows which foreign package.
 * Owns the tables only; rules are applied by check.ts, imports are read by imports.ts. Whoever changes a row here
 * changes the architecture.
 */

/** Zones by path, first match wins. A pattern ending in "/" is a folder, one ending in ".ts" a file. */
export const ZONES: readonly (readonly [pattern: string, zone: string])[] = [
  ["daemon/iopiped.ts", "launcher"],
  ["daemon/main.ts", "root"],
  ["daemon/rpc/", "rpc"],
  ["daemon/workspace/", "workspace"],
  ["daemon/staging/", "staging"],
  ["daemon/layer/", "layer"],
  ["daemon/promotion/", "promotion"],
  ["daemon/watch/", "watch"],
  ["daemon/store/", "store"],
  ["daemon/disk/", "disk"],
  ["daemon/", "host"], // Single files beside main.ts: log, lifecycle; what the process needs and no part owns.
  ["client/atomic.ts", "atomic"],
  ["client/cli/", "cli"],
  ["client/mcp/", "mcp"],
  ["client/", "client"],
  ["protocol/wire/", "wire"],
  ["protocol/wire.ts", "wire"],
  ["protocol/methods/", "methods"],
  ["protocol/methods.ts", "methods"],
  ["protocol/openrpc.ts", "openrpc"],
  ["protocol/", "protocol"], // protocol/index.ts, the published entry.
  ["package.json", "package.json"],
];

const PROTOCOL = ["protocol", "openrpc", "methods", "wire"];

/** What a zone may import besides itself; `types` only by `import type`. */
export const MAY_IMPORT: Readonly<Record<string, { values: readonly string[]; types?: readonly string[] }>> =
  {
    launcher: { values: ["root"] },
    root: {
      values: [
        "host",
        "rpc",
        "workspace",
        "staging",
        "layer",
        "promotion",
        "watch",
        "store",
        "disk",
        ...PROTOCOL,
        "package.json",
      ],
    },
    host: { values: ["store", "disk", ...PROTOCOL, "package.json"] },
    rpc: {
      values: ["workspace", "staging", "promotion", "watch", "store", "disk", ...PROTOCOL, "package.json"],
    },
    workspace: { values: ["staging", "layer", "promotion", "watch", "store", "disk", ...PROTOCOL] },
    staging: { values: ["store", "disk", ...PROTOCOL] },
    layer: { values: ["store", "disk", ...PROTOCOL] },
    promotion: { values: ["store", "disk", ...PROTOCOL] },
    watch: { values: ["store", "disk", ...PROTOCOL] },
    store: { values: ["disk", ...PROTOCOL] },
    disk: { values: [] },

    atomic: { values: ["disk"] },
    cli: { values: ["client", "wire", "package.json"], types: ["methods"] },
    // A process's part of its own, in no client's bundle: the one adapter whose schemas are the protocol's.
    mcp: { values: ["client", "atomic", "methods", "wire", "package.json"] },
    client: { values: ["wire", "atomic", "package.json"], types: ["methods"] },

    protocol: { values: ["openrpc", "methods", "wire"] },
    openrpc: { values: ["methods", "wire"] },
    methods: { values: ["wire"] },
    wire: { values: [] },
  };

/** Processes of their own: started by path, imported by nobody (the launcher too). */
export const IMPORTED_BY_NOBODY: readonly string[] = [
  "daemon/iopiped.ts",
  "daemon/watch/child.ts",
  "daemon/staging/diff-worker.ts",
  "daemon/staging/syntax/child.ts",
  "client/cli/main.ts",
  "client/hook/notebook.ts",
  "client/mcp/main.ts",
  "client/setup/merge.ts",
];

/** Foreign packages that only one place knows, types included. */
export const KNOWN_ONLY_IN: Readonly<Record<string, readonly string[]>> = {
  "better-sqlite3": ["daemon/store/"],
  "@parcel/watcher": ["daemon/watch/child.ts"],
  "json-rpc-2.0": ["daemon/rpc/"],
  zod: ["protocol/methods/", "protocol/methods.ts", "protocol/openrpc.ts", "client/mcp/"],
  "@modelcontextprotocol/server": ["client/mcp/"],
  commander: ["client/cli/"],
  ...Object.fromEntries(
    ["oxc-parser", "yaml", "smol-toml", "@vue/compiler-sfc", "web-tree-sitter"].map((name) => [
      name,
      ["daemon/staging/syntax/parsers/", "test/"],
    ]),
  ),
  pino: ["daemon/main.ts", "daemon/log.ts"],
};

/** What may lie at the top level besides dotfiles. */
export const TOP_LEVEL: readonly string[] = [
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "daemon",
  "client",
  "protocol",
  "test",
  "scripts",
  "README.md",
  "LICENSE",
];
