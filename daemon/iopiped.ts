/**
 * The binary `iopiped`: starts the daemon's main(), in a process that keeps small.
 * Owns nothing else. The build puts a check of Node's version before this line and turns "./main.ts" into
 * "./daemon.js"; every import is dynamic so that the check comes before anything is loaded.
 */

// V8 lets the space for young objects grow to 64 MiB, and collects the buffers that passed through only when it is
// full: a large upload came to 170 MiB of them. Kept at its first 2 MiB, that is 60. And it keeps what a crawl needed
// once: after one of 200,000 files 62 MiB, of which 16 are used; so it does not. No bench got slower by either.
const { setFlagsFromString } = await import("node:v8");
setFlagsFromString("--semi-space-growth-factor=1");
setFlagsFromString("--optimize-for-size");

const { main } = await import("./main.ts");
await main();
