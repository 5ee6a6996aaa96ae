/**
 * An editor that saves at full speed, in place or by rename, while hundreds of promotions replace its files: no save is
 * lost but in the two windows that promotion documents, and those that were are counted.
 * Thousands are `npm run test:crash`; with a whole daemon it is acceptance/late-edits.test.ts.
 */
import { expect, test } from "vitest";
import { CONTROLS } from "./late-edits/controls.ts";
import { type Bout, describe, holdBout, WAYS } from "./late-edits/promotions.ts";

const PROMOTIONS = Number(process.env.IOPIPE_LATE_EDIT_PROMOTIONS ?? 200);

const timeout = 30_000 + PROMOTIONS * 150;

async function hold(bout: Bout) {
  const report = await holdBout(bout);
  console.log(describe(bout, report));
  return report;
}

test.each(WAYS)(
  `of the files that an editor saves by %s, ${PROMOTIONS} promotions lose none`,
  { timeout },
  async (way) => {
    const { applied, lost, debris } = await hold({ way, promotions: PROMOTIONS, files: 256 });
    expect({ lost, debris }).toEqual({ lost: [], debris: 0 });
    expect(applied).toBeGreaterThan(PROMOTIONS / 4);
  },
);

/** How often a control's window is met is chance. */
const BOUTS = 10;

test.each(Object.keys(CONTROLS))("with %s, saves are found to be lost", async (name) => {
  for (let bout = 0; bout < BOUTS; bout++) {
    const { raced, lost } = await hold({ ...(CONTROLS[name] as Bout), promotions: 50 });
    if (raced.length + lost.length > 0) return;
  }
  expect.fail(`None in ${BOUTS} bouts: losses go unnoticed.`);
});
