/**
 * The binary `iopiped`: starts the daemon's main().
 * Owns nothing else. The build puts a check of Node's version before this line and turns "./main.ts" into
 * "./daemon.js"; the import is dynamic so that nothing native is loaded before the check has passed.
 */

const { main } = await import("./main.ts");
await main();
