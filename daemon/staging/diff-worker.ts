/**
 * The diff worker: a thread that takes one job at a time and answers it. Started by path, imported by nobody.
 * Owns nothing: contents come as bytes or as the path of a blob's file (the store is never opened here).
 * Failure: what a job throws is its answer; the thread goes on.
 */
import { readFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { type DiffJob, diffContent } from "./diff/content.ts";

type Source = { bytes: Uint8Array } | { path: string };

function load(source: Source): Buffer {
  if ("path" in source) return readFileSync(source.path);
  const { buffer, byteOffset, byteLength } = source.bytes;
  return Buffer.from(buffer, byteOffset, byteLength);
}

parentPort?.on("message", (job: DiffJob<Source>) => {
  try {
    const diff = diffContent({ ...job, old: load(job.old), now: load(job.now) });
    parentPort?.postMessage({ diff });
  } catch (error) {
    parentPort?.postMessage({ failed: String(error) });
  }
});
