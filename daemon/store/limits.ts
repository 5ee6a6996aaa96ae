/**
 * How long and how much the store keeps: the limits of retention, and the environment's say in them.
 * Owns names, defaults and how they are written. What is cleared by them is collect/. Times in milliseconds, sizes in bytes.
 */

export interface Limits {
  /** What is needed to undo an operation, since its end. */
  readonly undoMs: number;
  /** All of that together; the oldest goes first. */
  readonly undoBytes: number;
  /** Patches that were discarded, but for stale and undone ones. */
  readonly discardedMs: number;
  /** Sessions with work to do, or none yet, since anybody used them. */
  readonly orphanedMs: number;
  /** Events, since they happened. */
  readonly eventsMs: number;
  /** Content that nothing names (yet): uploads, what a crash or a diff left. */
  readonly unnamedMs: number;
}

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const GiB = 1024 ** 3;

/** As the README has them. */
export const DEFAULT_LIMITS: Limits = {
  undoMs: 30 * DAY,
  undoBytes: GiB,
  discardedMs: DAY,
  orphanedMs: 7 * DAY,
  eventsMs: 30 * DAY,
  unnamedMs: DAY,
};

const VARIABLES: Readonly<Record<keyof Limits, string>> = {
  undoMs: "IOPIPE_KEEP_UNDO",
  undoBytes: "IOPIPE_KEEP_UNDO_BYTES",
  discardedMs: "IOPIPE_KEEP_DISCARDED",
  orphanedMs: "IOPIPE_KEEP_ORPHANED",
  eventsMs: "IOPIPE_KEEP_EVENTS",
  unnamedMs: "IOPIPE_KEEP_UNNAMED",
};

const TIMES: Readonly<Record<string, number>> = { ms: 1, s: SECOND, m: 60 * SECOND, h: HOUR, d: DAY };
const SIZES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB };

type Environment = Readonly<Record<string, string | undefined>>;

/** The limits that `env` asks for, and the variables that say nothing that could be understood: their default counts. */
export function limitsFrom(env: Environment): { limits: Limits; unknown: string[] } {
  const unknown: string[] = [];
  const read = (name: keyof Limits): number => {
    const variable = VARIABLES[name];
    const text = env[variable];
    if (!text) return DEFAULT_LIMITS[name];
    const value = parseQuantity(text, name === "undoBytes" ? SIZES : TIMES);
    if (value === undefined) unknown.push(variable);
    return value ?? DEFAULT_LIMITS[name];
  };
  const names = Object.keys(VARIABLES) as (keyof Limits)[];
  const limits = Object.fromEntries(names.map((name) => [name, read(name)]));
  return { limits: limits as unknown as Limits, unknown };
}

/** A time as `30d`, `12h`, `5m`, `10s` or `100ms`; undefined where it is none. */
export function parseTime(text: string): number | undefined {
  return parseQuantity(text, TIMES);
}

/** A number and its unit, as `30d` or `512MiB`; a bare 0 needs none. */
function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit = ""] = /^(\d{1,9})([a-zA-Z]*)$/.exec(text.trim()) ?? [];
  if (digits === undefined) return undefined;
  if (Number(digits) === 0) return 0;
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? undefined : Number(digits) * factor;
}
