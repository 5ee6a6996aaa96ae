/**
 * The sweeps: which points there are. Each is a list of cases, made from recorded runs.
 * Owns the choice; trying one is case.ts, where it happens is places.ts.
 */
import { type Case, callsOf, each, type Run, type Stage, TEMPLATE_OF } from "./case.ts";
import type { Call, Injection } from "./strace.ts";

type Deed = keyof typeof TEMPLATE_OF;
type What = Injection["what"];

/** Makes the cases of a sweep, trying things out on `stages`; of every list of calls each `every`th is taken. */
export type Cases = (stages: readonly Stage[], every: number) => Promise<Case[]>;

const DEEDS: readonly Deed[] = ["apply", "undo"];
const ERRORS: readonly What[] = ["EIO", "ENOSPC", "EACCES", "EROFS", "EDQUOT"];

const meeting = ({ thread, name, nth }: Call, what: What): Injection => ({ thread, name, nth, what });
const first = (stages: readonly Stage[]): Stage => stages[0] as Stage;
const thin = <T>(list: readonly T[], every: number): T[] => list.filter((_, at) => at % every === 0);

async function deeds(stages: readonly Stage[], every: number): Promise<{ deed: Deed; call: Call }[]> {
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
export const killed: Cases = async (stages, every) =>
  (await deeds(stages, every)).map(({ deed, call }) => caseOf(deed, [meeting(call, "SIGKILL")]));

/** As `killed`, and once more with nothing but what happens to the machine after the answer. */
export const killedOrDone: Cases = async (stages, every) => [
  ...DEEDS.map((deed) => caseOf(deed, [])),
  ...(await killed(stages, every)),
];

/** Each call fails once. */
export const failing: Cases = async (stages, every) =>
  (await deeds(stages, every)).flatMap(({ deed, call }) =>
    ERRORS.map((error) => caseOf(deed, [meeting(call, error)])),
  );

/** Of the calls of a deed, one in this many is where it is killed before its recovery is tortured. */
const FIRSTS = 4;

/** What recovery does after a kill meets something at each of its calls. */
const recovering =
  (whats: readonly What[], thinner: number): Cases =>
  async (stages, every) => {
    const firsts = await deeds(stages, FIRSTS * thinner * Math.ceil(Math.sqrt(every)));
    const cases = await each(stages, firsts, async (stage, { deed, call }) => {
      const kill = [meeting(call, "SIGKILL")];
      const then = (injections: Injection[]): Case => caseOf(deed, kill, { action: "recover", injections });
      const calls = await callsOf(stage, then([]));
      return thin(calls, Math.ceil(Math.sqrt(every))).flatMap((one) =>
        whats.map((what) => then([meeting(one, what)])),
      );
    });
    return cases.flat();
  };

/** Killed, then killed again while that is being recovered. */
export const killedTwice: Cases = recovering(["SIGKILL"], 1);

/** Killed, then an error while that is being recovered; the next recovery completes it. */
export const failingRecovery: Cases = recovering(["EIO", "ENOSPC"], 4);

/** Calls by which a promotion changes targets: their failure sends it back. */
const PUBLISHING = /^(rename|link|mkdir|rmdir|chmod)/;

/** Publishing fails, and the way back is killed at each of its calls. */
export const failingThenKilled: Cases = async (stages, every) => {
  const publishing = (await deeds(stages, 1)).filter(
    ({ call }) => PUBLISHING.test(call.name) || isOfTree(call),
  );
  const cases = await each(
    stages,
    thin(publishing, Math.ceil(Math.sqrt(every))),
    async (stage, { deed, call }) => {
      const error = meeting(call, "EIO");
      const calls = await callsOf(stage, caseOf(deed, [error]));
      // strace knows one injection a thread and name.
      const others = calls.filter(({ thread, name }) => thread !== call.thread || name !== call.name);
      return thin(others, Math.ceil(Math.sqrt(every))).map((one) =>
        caseOf(deed, [error, meeting(one, "SIGKILL")]),
      );
    },
  );
  return cases.flat();
};

const isOfTree = ({ name, thread }: Call): boolean => name === "fsync" && thread === "pool";
