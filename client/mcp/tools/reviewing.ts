/**
 * Handing in, and what became of it. Approval never goes through here: who may decide is who has the reviewer's socket.
 * INVARIANT: a call never holds an agent for a person longer than it asked for, and by default not at all.
 */
import { z } from "zod";
import type { Patch, Session } from "../../../protocol/methods/index.ts";
import { Note } from "../../../protocol/methods/values.ts";
import type { Work } from "../desk.ts";
import { stateOf } from "./looking.ts";
import { NAMED, NEXT, PatchShown, SessionShown, type ToolCall, tool } from "./tool.ts";

const submit = tool({
  name: "submit_for_review",
  title: "Hand in for review",
  description:
    "Marks what is staged as complete and ready for a person's review. Tell the person, and go on; ask await_review later.",
  effect: "stagesOnce",
  input: z.strictObject({
    ...NAMED,
    message: Note.optional().describe("For the reviewer: what this changes, and why."),
  }),
  output: z.object({ session: SessionShown, ...NEXT }),
  run: async ({ message, ...named }, { desk }) => {
    const { handle } = await desk.findWork(named);
    const { session } = await handle.submit(message);
    const next =
      session.patches.stale > 0
        ? `${OUTCOMES.stale} Then submit_for_review again.`
        : `Tell the person that session ${session.id} waits for them: \`iopipectl review --session ${session.id}\` shows it. ` +
          "Do not wait; ask await_review later.";
    return { data: { session: SessionShown.parse(session), next } };
  },
});

/** Longest wait of one call, in seconds, and how often a host that asked for progress is told of it. */
const MAX_WAIT_S = 300;
const PROGRESS_MS = 5_000;

/** What a session waits for, or what became of it; the first that holds. */
const OUTCOMES = {
  stale: "Files changed under the proposal: read_staged them and stage the stale ones again.",
  applied:
    "It was applied: the files are changed. Look at the notes; what you stage next begins a new session.",
  rejected:
    "A reviewer rejected it, or parts: see each patch's note, stage what they ask for, and submit_for_review again.",
  approved: "It is approved, and not yet applied.",
  nothing: "Nothing is staged.",
  unsubmitted: "It is not handed in: call submit_for_review when it is complete.",
  waiting: "Nobody has decided yet. Go on with something else, or ask again later.",
} as const;

type Outcome = keyof typeof OUTCOMES;

const awaitReview = tool({
  name: "await_review",
  title: "See what the review said",
  description:
    "Tells at once what became of the session, with each patch's decision and note. With `waitSeconds` it waits so long " +
    "at most for something to happen, and reports progress.",
  effect: "reads",
  input: z.strictObject({
    ...NAMED,
    waitSeconds: z.number().min(0).max(MAX_WAIT_S).optional().describe("Default 0: answers at once."),
  }),
  output: z.object({
    outcome: z.enum(Object.keys(OUTCOMES) as [Outcome, ...Outcome[]]),
    session: SessionShown,
    patches: z.array(PatchShown),
    ...NEXT,
  }),
  run: async ({ waitSeconds = 0, ...named }, call) => {
    const { session, patches } = await settled(await call.desk.findWork(named), waitSeconds * 1000, call);
    const outcome = outcomeOf(session, patches);
    return { data: { outcome, ...stateOf(session, patches), next: OUTCOMES[outcome] } };
  },
});

/** The session as soon as nobody is waited for, or when the time is over. */
async function settled({ handle }: Work, waitMs: number, { signal, progress }: ToolCall) {
  const started = performance.now();
  let seen = await handle.get({ signal });
  for (;;) {
    const elapsedMs = performance.now() - started;
    const leftMs = Math.ceil(waitMs - elapsedMs);
    if (leftMs <= 0 || !isOpen(outcomeOf(seen.session, seen.patches))) return seen;
    progress(Math.round(elapsedMs / 1000), Math.round(waitMs / 1000), "Waiting for a reviewer");
    const params = { since: seen.session.seq, timeoutMs: Math.min(leftMs, PROGRESS_MS) };
    seen = await handle.wait(params, { signal });
  }
}

function isOpen(outcome: Outcome): boolean {
  return outcome === "waiting" || outcome === "unsubmitted";
}

function outcomeOf({ ready, rejected = 0, patches: counts }: Session, patches: readonly Patch[]): Outcome {
  // What was rejected and staged again is not rejected any more; patches come in the order of their staging.
  const latest = [...new Map(patches.map((patch) => [patch.path, patch])).values()];
  const pending = latest.filter(({ state }) => state === "Pending");
  if (counts.stale > 0) return "stale";
  if (pending.length === 0 && counts.applied > 0) return "applied";
  // Who hands the rest in again without it has answered the rejection.
  const isAnswered = rejected === 0 && pending.length > 0;
  if (!isAnswered && latest.some(({ reason }) => reason === "rejected")) return "rejected";
  if (pending.length > 0) {
    if (pending.every(({ decision }) => decision === "approved")) return "approved";
    return ready ? "waiting" : "unsubmitted";
  }
  return "nothing";
}

export const REVIEWING = [submit, awaitReview];
