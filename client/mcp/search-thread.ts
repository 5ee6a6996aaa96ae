/**
 * The thread under search_staged: looks through files line by line, and tells what it has found after each of them.
 * Started by path. Owns what is skipped: what is no regular file, binary, too large or not readable, which a search
 * leaves out without a word. It may be ended at any moment.
 */
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";

/** One file; with `content` where that is staged, else it is read from the disk. */
export interface Candidate {
  readonly path: string;
  readonly content?: Uint8Array;
}

export interface SearchJob {
  readonly root: string;
  readonly files: readonly Candidate[];
  readonly expression: RegExp;
  readonly limit: number;
}

/** What was found since the last news, and how far the search is. */
export interface SearchNews {
  matches: { path: string; line: number; text: string }[];
  searchedFiles: number;
  complete: boolean;
}

const MAX_FILE_BYTES = 2 * 1024 * 1024;
const MAX_TEXT = 300;
/** As git does: a NUL byte near the beginning makes a file binary. */
const BINARY_LOOK_BYTES = 8000;

function search({ root, files, expression, limit }: SearchJob): void {
  let left = limit;
  for (const [index, file] of files.entries()) {
    const matches = matchesIn(file.path, textOf(root, file), expression, left + 1);
    // One more than wanted says that there is more.
    const isMore = matches.length > left;
    const complete = !isMore && index === files.length - 1;
    left -= matches.length;
    tell({ matches: isMore ? matches.slice(0, -1) : matches, searchedFiles: index + 1, complete });
    if (isMore) return;
  }
  if (files.length === 0) tell({ matches: [], searchedFiles: 0, complete: true });
}

function tell(news: SearchNews): void {
  parentPort?.postMessage(news);
}

function textOf(root: string, { path, content }: Candidate): string {
  try {
    const file = join(root, path);
    const stat = content === undefined ? lstatSync(file) : undefined;
    if (stat && (!stat.isFile() || stat.size > MAX_FILE_BYTES)) return "";
    const bytes = content === undefined ? readFileSync(file) : Buffer.from(content);
    return bytes.subarray(0, BINARY_LOOK_BYTES).includes(0) ? "" : bytes.toString("utf8");
  } catch {
    return "";
  }
}

function matchesIn(path: string, text: string, expression: RegExp, limit: number): SearchNews["matches"] {
  const matches: SearchNews["matches"] = [];
  let line = 0;
  for (const each of text === "" ? [] : text.split("\n")) {
    line += 1;
    if (!expression.test(each)) continue;
    matches.push({ path, line, text: each.length > MAX_TEXT ? `${each.slice(0, MAX_TEXT)}…` : each });
    if (matches.length === limit) break;
  }
  return matches;
}

search(workerData as SearchJob);
