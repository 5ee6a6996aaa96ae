/**
 * How the tests run: vitest's configuration, passed with --config because the top level stays short.
 * Owns pool, time limits and the coverage thresholds; these count only in `npm test` (--coverage).
 */

import path from "node:path";
import { defineConfig } from "vitest/config";

// Costs every Node process that a test starts some 75 ms (nodejs/node #40524); set before the workers are forked.
delete process.env.NODE_EXTRA_CA_CERTS;

const everything = { lines: 100, branches: 100, functions: 100 };

export default defineConfig({
  test: {
    root: path.dirname(import.meta.dirname),
    include: ["test/**/*.test.ts"],
    environment: "node",
    pool: "forks",
    // Ends what hangs, and proves nothing: on a busy machine of few cores all takes ten times as long.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    coverage: {
      provider: "v8",
      reportsDirectory: "coverage",
      reporter: ["text-summary", "json-summary", "html"],
      include: ["daemon/**/*.ts", "client/**/*.ts", "protocol/**/*.ts"],
      exclude: [
        // Entries of processes of their own: coverage cannot see into them, tests drive them from outside.
        "daemon/iopiped.ts",
        "daemon/watch/child.ts",
        "daemon/staging/diff-worker.ts",
        "daemon/staging/syntax/child.ts",
        "client/cli/main.ts",
        "client/mcp/main.ts",
        "client/mcp/search-thread.ts",
        // Code for other platforms than the one that tests run on.
        "**/*.darwin.ts",
        "**/*.win32.ts",
      ],
      thresholds: {
        lines: 90,
        branches: 90,
        functions: 90,
        "daemon/promotion/**": everything,
        "daemon/disk/**": everything,
      },
    },
  },
});
