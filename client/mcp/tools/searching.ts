/**
 * Searching with read-your-writes: what is staged over what is on disk, ignores as the watcher's.
 * Owns which files are looked at, and the bounds. The looking is a thread's (search-thread.ts), which is ended when time
 * is up: a regular expression that never comes to an end stalls nobody.
 * Files that are not staged are read from the disk directly, not through the daemon: they may be ten thousand.
 */
import { once } from "node:events";
import { posix } from "node:path";
import { Worker } from "node:worker_threads";
import { z } from "zod";
import type { FileChange, Patch } from "../../../protocol/methods/index.ts";
import { Count, GlobList } from "../../../protocol/methods/values.ts";
import { IopipeError } from "../../../protocol/wire/errors.ts";
import type { Work } from "../desk.ts";
import type { Candidate, SearchJob, SearchNews } from "../search-thread.ts";
import { NAMED, NEXT, tool } from "./tool.ts";

/** As search-thread.ts has it: what is larger is not text that people wrote. */
const MAX_FILE_BYTES = 2 * 1024 * 1024;
const DEFAULT_MATCHES = 100;
const LIMIT_MS = 5_000;

const Match = z.object({
  path: z.string(),
  line: Count.describe("From 1."),
  text: z.string().describe("The line; long ones are cut."),
});

const search = tool({
  name: "search_staged",
  title: "Search the files as staged",
  description:
    "Finds lines in the workspace's files as they would be with everything that this session has staged. Plain text " +
    "unless `regex` says otherwise; within a line. Ignored, generated and vendored files are left out unless `globs` " +
    "name them, binary files and those over 2 MiB always. Ends after 5 seconds with what it has.",
  effect: "reads",
  input: z.strictObject({
    globs: GlobList.optional().describe("Only files that match one, as git's :(glob): `src/**/*.ts`."),
    pattern: z.string().min(1).max(1000).describe("What to find."),
    regex: z.boolean().optional().describe("The pattern is a regular expression, of JavaScript's (flag u)."),
    ignoreCase: z.boolean().optional(),
    limit: Count.min(1).max(1000).optional().describe(`Most matches; default ${DEFAULT_MATCHES}.`),
    ...NAMED,
  }),
  output: z.object({
    matches: z.array(Match),
    searchedFiles: Count,
    complete: z.boolean().describe("Whether all files were searched to their end."),
    ...NEXT,
  }),
  run: async (
    { globs, pattern, regex = false, ignoreCase = false, limit = DEFAULT_MATCHES, ...named },
    call,
  ) => {
    const expression = compile(pattern, regex, ignoreCase);
    const work = await call.desk.openWork({ ...named, agent: call.agent });
    const files = await candidates(work, globs, call.signal);
    const job = { root: work.workspace.root, files, expression, limit };
    const { matches, searchedFiles, complete } = await searched(job, call.signal);
    const next = complete
      ? "This is all."
      : "There may be more: search with `globs`, or for something rarer.";
    return { data: { matches, searchedFiles, complete, next } };
  },
});

export const SEARCHING = [search];

function compile(pattern: string, regex: boolean, ignoreCase: boolean): RegExp {
  const source = regex ? pattern : pattern.replaceAll(/[$()*+./?[\\\]^{|}-]/g, "\\$&");
  try {
    return new RegExp(source, ignoreCase ? "iu" : "u");
  } catch (error) {
    throw new IopipeError("InvalidParams", (error as Error).message, {
      hint: "Correct the regular expression, or leave `regex` out to find the text as it is.",
    });
  }
}

/** The files to look at, in order of their paths. */
async function candidates(
  work: Work,
  globs: string[] | undefined,
  signal: AbortSignal,
): Promise<Candidate[]> {
  const { connection, handle } = work;
  const found = new Map<string, Candidate>();
  for await (const { path, priority, folded } of allFiles(work, globs, signal))
    if (folded === undefined && (priority !== "LOW" || globs)) found.set(path, { path });
  const { patches } = await connection.call("session/get", { session: handle.id }, { signal });
  for (const patch of patches.filter(({ state }) => state === "Pending")) {
    for (const gone of [patch.path, patch.from]) if (gone !== undefined) found.delete(gone);
    if (!hasText(patch) || (globs && !globs.some((glob) => posix.matchesGlob(patch.path, glob)))) continue;
    found.set(patch.path, { path: patch.path, content: (await handle.read(patch.path, { signal })).bytes });
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  function hasText({ after, binary }: Patch): boolean {
    return after.exists && after.type === "file" && !binary && (after.size ?? 0) <= MAX_FILE_BYTES;
  }
}

/** All that exists on disk, as the watcher lists it. */
async function* allFiles(
  { connection, workspace }: Work,
  include: string[] | undefined,
  signal: AbortSignal,
) {
  let clock: string | undefined;
  let more = true;
  while (more) {
    const params = {
      workspace: workspace.id,
      ...(clock !== undefined && { clock }),
      ...(include && { include }),
    };
    const page = await connection.call("watch/since", params, { signal });
    yield* page.changes.filter(({ kind }: FileChange) => kind !== "deleted");
    ({ clock, more } = page);
  }
}

/** What a thread finds until it is done, or time is up. */
async function searched(job: SearchJob, signal: AbortSignal): Promise<SearchNews> {
  const found: SearchNews = { matches: [], searchedFiles: 0, complete: false };
  const thread = new Worker(new URL("../search-thread.ts", import.meta.url), { workerData: job });
  const timer = setTimeout(() => void thread.terminate(), LIMIT_MS);
  const abort = (): void => void thread.terminate();
  signal.addEventListener("abort", abort, { once: true });
  thread.on("message", ({ matches, searchedFiles, complete }: SearchNews) => {
    found.matches.push(...matches);
    Object.assign(found, { searchedFiles, complete });
  });
  try {
    await once(thread, "exit");
    return found;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
