/**
 * What the kernel holds this process to, whatever a parser does: memory, so that allocating fails here and not on the
 * whole machine, and processor time, so that a parser that hangs ends even where the daemon that would end it is gone.
 * Linux only; elsewhere the daemon's time limit and V8's own heap limit must do.
 */
import { createRequire } from "node:module";
import type * as Koffi from "koffi";

/** Source: linux/resource.h. RLIMIT_DATA counts private writable memory: heap, WASM memory, threads' stacks. */
const RLIMIT_CPU = 0;
const RLIMIT_DATA = 2;

/** Some 500 MiB are Node's own reserve; all grammars together take 200. */
const DATA_BYTES = 1536 * 1024 * 1024;
/** A child that worked so long is replaced by then (parser-process.ts). */
const CPU_SECONDS = 300;

export function limitThisProcess(): void {
  if (process.platform !== "linux") return;
  const koffi: typeof Koffi = createRequire(import.meta.url)("koffi");
  const limit = koffi.struct({ soft: "uint64", hard: "uint64" });
  const setrlimit = koffi.load(null).func("setrlimit", "int", ["int", koffi.pointer(limit)]);
  setrlimit(RLIMIT_DATA, { soft: DATA_BYTES, hard: DATA_BYTES });
  setrlimit(RLIMIT_CPU, { soft: CPU_SECONDS, hard: CPU_SECONDS });
}
