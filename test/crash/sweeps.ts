/**
 * The sweeps: which points there are. Each is a list of cases, made from recorded runs.
 * Owns the choice; trying one is case.ts, where it happens is places.ts.
 */
import { type Case, callsOf, each, type Run, type Stage, TEMPLATE_OF } from "./case.ts";
import type { Call, Injection } from "./strace.ts";

type Deed = keyof typeof TEMPLATE_OF;
type What = Injection["what"];

/**
 * How much of a sweep is taken: each so-manieth call of apply and undo, and where something happens twice, each
 * so-manieth of the calls after the first.
 */
export type Share = readonly [every: number, everySecond?: number];

/** Makes the cases of a sweep, recording runs on `stages`. */
export type Cases = (stages: readonly Stage[], share: Share) => Promise<Case[]>;

const DEEDS: readonly Deed[] = ["apply", "undo"];
const ERRORS: readonly What[] = ["EIO", "ENOSPC", "EACCES", "EROFS", "EDQUOT"];

const meeting = ({ thread, name, nth }: Call, what: What): Injection => ({ thread, name, nth, what });
const first = (stages: readonly Stage[]): Stage => stages[0] as Stage;
const thin = <T>(list: readonly T[], every = 1): T[] => list.filter((_, at) => at % every === 0);

async function deeds(stages: readonly Stage[], [every]: Share): Promise<{ deed: Deed; call: Call }[]> {
  const found = [];
  for (const deed of DEEDS) {
    const calls = await callsOf(first(stages), caseOf(deed, []));
    found.push(...thin(calls, every).map((call) => ({ deed, call })));
  }
  return found;
}

function caseOf(deed: Deed, injections: readonly Injection[], ...more: Run[]): Case {
  return { from: TEMPLATE_OF[deed], runs: [{ action: deed, injections }, ...more] };
}

/** Killed before each call that changes something. */
export const killed: Cases = async (stages, share) =>
  (await deeds(stages, share)).map(({ deed, call }) => caseOf(deed, [meeting(call, "SIGKILL")]));

/** As `killed`, and once more with nothing but what happens to the machine after the answer. */
export const killedOrDone: Cases = async (stages, share) => [
  ...DEEDS.map((deed) => caseOf(deed, [])),
  ...(await killed(stages, share)),
];

/** Each call fails once. */
export const failing: Cases = async (stages, share) =>
  (await deeds(stages, share)).flatMap(({ deed, call }) =>
    ERRORS.map((error) => caseOf(deed, [meeting(call, error)])),
  );

/** Killed, and what recovery does then meets something at each of its calls. */
const recovering =
  (whats: readonly What[]): Cases =>
  async (stages, share) => {
    const cases = await each(stages, await deeds(stages, share), async (stage, { deed, call }) => {
      const kill = [meeting(call, "SIGKILL")];
      const then = (injections: Injection[]): Case => caseOf(deed, kill, { action: "recover", injections });
      const calls = thin(await callsOf(stage, then([])), share[1]);
      return calls.flatMap((one) => whats.map((what) => then([meeting(one, what)])));
    });
    return cases.flat();
  };

/** Killed, then killed again while that is being recovered. */
export const killedTwice: Cases = recovering(["SIGKILL"]);

/** Killed, then an error while that is being recovered; the next recovery completes it. */
export const failingRecovery: Cases = recovering(["EIO", "ENOSPC"]);

/** Calls that change targets, or make that durable: their failure sends a promotion back. */
const isPublishing = ({ name, thread }: Call): boolean =>
  /^(rename|link|mkdir|rmdir|chmod)/.test(name) || (name === "fsync" && thread === "pool");

/** Publishing fails, and the way back is killed at each of its calls. */
export const failingThenKilled: Cases = async (stages, [every, everySecond]) => {
  const publishing = (await deeds(stages, [1])).filter(({ call }) => isPublishing(call));
  const cases = await each(stages, thin(publishing, every), async (stage, { deed, call }) => {
    const error = meeting(call, "EIO");
    const calls = await callsOf(stage, caseOf(deed, [error]));
    // strace knows one injection a thread and name.
    const others = calls.filter(({ thread, name }) => thread !== call.thread || name !== call.name);
    return thin(others, everySecond).map((one) => caseOf(deed, [error, meeting(one, "SIGKILL")]));
  });
  return cases.flat();
};
