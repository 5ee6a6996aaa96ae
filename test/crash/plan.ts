/**
 * The plan: every sweep with its name, its place and how much of it is run. One table.
 */
import type { Stage } from "./case.ts";
import { type Loss, type Places, whyNoPower, whyNotApart } from "./places.ts";
import * as sweeps from "./sweeps.ts";

export interface Sweep {
  readonly name: string;
  readonly stage: (places: Places) => Promise<Stage>;
  readonly cases: sweeps.Cases;
  /** How much of it is run, and how much with --quick. */
  readonly full: sweeps.Share;
  readonly sample: sweeps.Share;
  /** Seconds that it takes, about, where nobody else uses the machine: its part of the time that there is. */
  readonly cost: number;
  /** Why it cannot be run here, if it cannot. */
  readonly whyNot?: () => string | undefined;
  /** A negative control: it has to show violations. */
  readonly isControl?: boolean;
}

const plain = (places: Places): Promise<Stage> => places.plain();

function power(loss: Loss, every: number): Sweep {
  const { type, of, flush, without } = loss;
  const names = [`power ${type}`, of === "both" ? "tree and store" : `${of} alone`];
  if (flush) names.push("log flushed");
  if (without) names.push(`no fsync of ${without}`);
  return {
    ...{ name: names.join(", "), full: [every], sample: [60], isControl: without !== undefined },
    cost: COSTS[type] / every,
    stage: (places) => places.power(loss),
    cases: sweeps.killedOrDone,
    whyNot: () => whyNoPower(type),
  };
}

/** Seconds for all points of one: an xfs takes half a second to mount. */
const COSTS = { ext4: 60, xfs: 140 } as const;

const TYPES = ["ext4", "xfs"] as const;

const EVERY: Readonly<Record<(typeof TYPES)[number], number>> = { ext4: 4, xfs: 9 };

export const PLAN: readonly Sweep[] = [
  { name: "kill", stage: plain, cases: sweeps.killed, full: [1], sample: [8], cost: 20 },
  {
    name: "kill, store on another file system",
    stage: (places) => places.apart(),
    cases: sweeps.killed,
    ...{ full: [1], sample: [16], cost: 20, whyNot: whyNotApart },
  },
  {
    name: "kill, kill in recovery",
    stage: plain,
    cases: sweeps.killedTwice,
    ...{ full: [17, 2], sample: [60, 4], cost: 55 },
  },
  { name: "error", stage: plain, cases: sweeps.failing, full: [1], sample: [30], cost: 100 },
  {
    name: "kill, error in recovery",
    stage: plain,
    cases: sweeps.failingRecovery,
    ...{ full: [61], sample: [120, 8], cost: 40 },
  },
  {
    name: "error, kill on the way back",
    stage: plain,
    cases: sweeps.failingThenKilled,
    ...{ full: [9, 2], sample: [30, 6], cost: 40 },
  },
  {
    name: "kill of the whole daemon",
    stage: (places) => places.daemon(),
    cases: sweeps.killed,
    ...{ full: [16], sample: [120], cost: 15 },
  },
  ...TYPES.flatMap((type) => [
    ...[false, true].map((flush) => power({ type, of: "both", flush }, EVERY[type])),
    ...[false, true].map((flush) => power({ type, of: "tree", flush }, EVERY[type])),
    power({ type, of: "store", flush: false }, EVERY[type]),
  ]),
  power({ type: "ext4", of: "both", flush: true, without: "files" }, 20),
  power({ type: "xfs", of: "both", flush: true, without: "files" }, 40),
  power({ type: "ext4", of: "tree", flush: false, without: "directories" }, 20),
];
