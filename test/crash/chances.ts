/**
 * What is left to chance: random histories of a whole daemon, and editors that save while thousands of promotions are
 * made. One table, with the negative controls of each.
 */
import { CONTROLS } from "../late-edits/controls.ts";
import { type Bout, describe, holdBout, WAYS } from "../late-edits/promotions.ts";
import type { Fits } from "./budget.ts";
import { each, type Result } from "./case.ts";
import { drawHistories, type Event } from "./events.ts";
import { live, newTally } from "./life.ts";
import type { Places } from "./places.ts";
import type { Outcome } from "./report.ts";

const SLOW = import.meta.resolve("./slow.ts");
const UNDECIDED = import.meta.resolve("./undecided.ts");

/** Points tried at once; each has its own directories and file systems. */
export const AT_ONCE = 3;

interface Chance {
  readonly name: string;
  /** As a sweep's. */
  readonly cost: number;
  run(places: Places, quick: boolean, seed: number, fits: Fits): Promise<Omit<Outcome, "name">>;
}

/** The daemons run with `preloads`; a control's, until that is found. */
function histories(name: string, isControl: boolean, ...preloads: string[]): Chance {
  const env = { NODE_OPTIONS: preloads.map((url) => `--import=${url}`).join(" ") };
  return {
    name: `random histories, ${name}`,
    cost: isControl ? 15 : 150,
    run: async (places, quick, seed, fits) => {
      const [started, tally, count] = [Date.now(), newTally(), quick && !isControl ? 12 : 100];
      console.log(`random histories, ${name}: ${count}, --seed ${seed}`);
      let isFound = false;
      const worker = async (_: undefined, history: Event[]): Promise<Result[]> => {
        if (isControl ? isFound : !fits()) return [];
        const result = await live(places.directory(), history, tally, env);
        isFound ||= isControl && result.violations.length > 0;
        return [result];
      };
      const workers = Array.from({ length: AT_ONCE }, () => undefined);
      const results = (await each(workers, drawHistories(count, seed), worker)).flat();
      console.log(`random histories, ${name}: ${JSON.stringify(tally)}`);
      const left = isControl ? 0 : count - results.length;
      return { isControl, results, left, seconds: (Date.now() - started) / 1000 };
    },
  };
}

/** Promotions of a point; three points are more than two thousand of them, in all ways of saving. */
const PROMOTIONS = 250;
const BOUTS = 6;

/** Each point is a bout. In a control also what is lost in a documented window counts as found. */
function lateEdits(name: string, bout: Omit<Bout, "promotions">): Chance {
  const isControl = bout.control !== undefined;
  return {
    name: `late edits, ${name}`,
    cost: isControl ? 5 : 20,
    run: async (_places, quick, _seed, fits) => {
      const [started, results]: [number, Result[]] = [Date.now(), []];
      const count = quick ? 1 : BOUTS;
      while (results.length < count && (isControl || fits())) {
        const one: Bout = { ...bout, promotions: PROMOTIONS };
        const report = await holdBout(one);
        const { raced, lost, debris } = report;
        const violations = [...lost, ...(isControl ? raced : [])].map((save) => `save ${save} is lost`);
        results.push({ at: describe(one, report), violations, debris, sweptLate: false, took: true });
        console.log(`  ${describe(one, report)}`);
        if (isControl && violations.length > 0) break;
      }
      const left = isControl ? 0 : count - results.length;
      return { isControl, results, left, seconds: (Date.now() - started) / 1000 };
    },
  };
}

export const CHANCES: readonly Chance[] = [
  histories("a whole daemon", false, SLOW),
  histories("decisions not recorded", true, SLOW, UNDECIDED),
  ...WAYS.map((way) => lateEdits(`saved by ${way}`, { way, files: 128 })),
  ...Object.entries(CONTROLS).map(([name, bout]) => lateEdits(name, bout)),
];
