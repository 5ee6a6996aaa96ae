/** Looking at what is staged: the diff, the dry run, the state; and dropping it. */
import { z } from "zod";
import type { Patch, Session } from "../../../protocol/methods/index.ts";
import { Count, FileStatus, Hash, Path, Problem } from "../../../protocol/methods/values.ts";
import { type ErrorKind, IopipeError } from "../../../protocol/wire/errors.ts";
import { nextStep } from "../../next-step.ts";
import type { Work } from "../desk.ts";
import { pathIn } from "../inside.ts";
import { linkToDiff } from "../resources.ts";
import { WORDS } from "../words.ts";
import { NAMED, NEXT, PatchShown, SessionShown, shown, ToolPath, tool } from "./tool.ts";

/** Longest diff that an answer holds itself, in characters; of a longer one it links to the parts. */
const MAX_DIFF = 32 * 1024;

const Paths = z.array(ToolPath).min(1).optional().describe("Only these; default all.");

const FileShown = FileStatus.omit({ hunks: true });

const diff = tool({
  name: "diff_staged",
  title: "Show what is staged",
  description:
    "Shows what this session has staged as a git diff. A long diff is not in the answer: it then links to one resource a file.",
  effect: "reads",
  input: z.strictObject({
    paths: Paths,
    context: Count.max(1000).optional().describe("Lines around a change; default 3."),
    ...NAMED,
  }),
  output: z.object({
    diff: z.string().describe("Empty where nothing is staged, or where it is linked to."),
    files: z.array(FileShown),
    digest: Hash.optional(),
    linked: z.boolean().describe("Whether the diff is in resources instead."),
    ...NEXT,
  }),
  run: async ({ paths, context, ...named }, { desk, signal }) => {
    const { handle, workspace } = await desk.findWork(named);
    const params = {
      ...(paths && { paths: paths.map((path) => pathIn(workspace, path)) }),
      ...(context !== undefined && { context }),
    };
    const found = await handle.diff(params, { signal });
    const linked = found.diff.length > MAX_DIFF;
    const data = {
      diff: linked ? "" : found.diff,
      files: found.files.map((file) => FileShown.parse(file)),
      ...(found.digest !== undefined && { digest: found.digest }),
      linked,
      next: nextAfterDiff(found.files.length, linked),
    };
    return {
      data,
      text: { member: "diff" as const },
      links: linked ? found.files.flatMap((file) => linkToDiff(handle.id, file)) : [],
    };
  },
});

function nextAfterDiff(files: number, linked: boolean): string {
  if (files === 0) return "Nothing is staged.";
  const read = linked ? "The diff is long: read the linked resources, or ask by `paths`. " : "";
  return `${read}When it is complete, call submit_for_review.`;
}

const check = tool({
  name: "check_staged",
  title: "Check whether it would apply",
  description:
    "The dry run: tells whether what is staged would apply as the files are now, and every problem. A problem NotApproved only says that a person decides.",
  effect: "reads",
  input: z.strictObject(NAMED),
  output: z.object({ wouldApply: z.boolean(), order: z.array(Path), problems: z.array(Problem), ...NEXT }),
  run: async (named, { desk, signal }) => {
    const { handle } = await desk.findWork(named);
    const found = await handle.check(undefined, { signal });
    const settled = found.problems.every(({ kind }) => kind === "NotApproved");
    const next = settled
      ? "Nothing is in the way but the review."
      : "Stage the paths named again, or discard_staged them.";
    return { data: { ...found, problems: found.problems.map(inWords), next } };
  },
});

/** A problem is an error's data, with its hint. */
function inWords(problem: Problem): Problem {
  const { kind, hint } = problem;
  return typeof hint === "string" ? { ...problem, hint: nextStep(kind as ErrorKind, hint, WORDS) } : problem;
}

const status = tool({
  name: "session_status",
  title: "Show the session",
  description:
    "Shows the session and all its patches: what is pending, stale, applied or discarded, with decisions and notes.",
  effect: "reads",
  input: z.strictObject(NAMED),
  output: z.object({ session: SessionShown, patches: z.array(PatchShown), ...NEXT }),
  run: async (named, { desk, signal }) => {
    const { handle } = await desk.findWork(named);
    const { session, patches } = await handle.get({ signal });
    return { data: { ...stateOf(session, patches), next: nextOf(session) } };
  },
});

/** A session with its patches as tools answer them; what was superseded is of no use to anybody. */
export function stateOf(session: Session, patches: readonly Patch[]) {
  return {
    session: SessionShown.parse(session),
    patches: patches.filter(({ reason }) => reason !== "superseded").map(shown),
  };
}

function nextOf({ state, ready, patches: { pending, stale } }: Session): string {
  if (stale > 0)
    return "Files have changed under this session: read_staged the stale ones and stage them again.";
  if (state === "Applied") return "It was applied. What you stage next begins a new session.";
  if (pending === 0) return "Nothing is staged.";
  return ready
    ? "It waits for a person; ask await_review later."
    : "When it is complete, call submit_for_review.";
}

const discard = tool({
  name: "discard_staged",
  title: "Drop what is staged",
  description:
    "Drops what this session has staged, all of it or some paths. A reviewer can bring it back for a day.",
  effect: "stagesOnce",
  input: z.strictObject({ paths: Paths, ...NAMED }),
  output: z.object({ session: SessionShown, discarded: z.array(Path), ...NEXT }),
  run: async ({ paths, ...named }, { desk }) => {
    const work = await desk.findWork(named);
    const dropped = await namedPatches(work, paths);
    const { session } = dropped.length > 0 ? await work.handle.discard(dropped.map(({ id }) => id)) : work;
    const data = { session: SessionShown.parse(session), discarded: dropped.map(({ path }) => path) };
    return {
      data: {
        ...data,
        next: session.patches.pending > 0 ? "The rest is still staged." : "Nothing is staged.",
      },
    };
  },
});

/** Pending and stale patches, those of `paths` or all. @throws {IopipeError} PatchNotFound for a path without one */
async function namedPatches(
  { handle, workspace }: Work,
  paths: readonly string[] | undefined,
): Promise<Patch[]> {
  const { patches } = await handle.get();
  const open = patches.filter(({ state, reason }) => state === "Pending" || reason === "stale");
  if (paths === undefined) return open;
  return paths.map((path) => {
    const inside = pathIn(workspace, path);
    const found = open.find((patch) => patch.path === inside);
    if (found) return found;
    throw new IopipeError("PatchNotFound", `Nothing is staged for ${inside}.`, {
      path: inside,
      hint: "See session_status.",
    });
  });
}

export const LOOKING = [diff, check, status, discard];
