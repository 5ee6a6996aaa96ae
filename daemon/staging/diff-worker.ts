/**
 * The diff worker: a thread that takes one job at a time, a diff or a merge, and answers it. Started by path, imported
 * by nobody.
 * Owns nothing: contents come as bytes or as the path of a blob's file (the store is never opened here).
 * Failure: what a job throws is its answer; the thread goes on.
 */
import { readFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { diffContent } from "./diff/content.ts";
import type { Job } from "./differ.ts";
import { mergeContents } from "./merge/contents.ts";

type Source = { bytes: Uint8Array } | { path: string };

function load(source: Source): Buffer {
  if ("path" in source) return readFileSync(source.path);
  const { buffer, byteOffset, byteLength } = source.bytes;
  return Buffer.from(buffer, byteOffset, byteLength);
}

function run(job: Job): unknown {
  if ("now" in job) return diffContent({ ...job, old: load(job.old), now: load(job.now) });
  return mergeContents({ ...job, base: load(job.base), ours: load(job.ours), theirs: load(job.theirs) });
}

parentPort?.on("message", (job: Job) => {
  try {
    parentPort?.postMessage({ result: run(job) });
  } catch (error) {
    parentPort?.postMessage({ failed: String(error) });
  }
});
