/**
 * What a watcher's process and the bench say to each other. In: the order as the first argument; stdin stays open, and
 * its end is the process's. Out: one JSON object a line. Times are the system's monotonic clock, which is the same in
 * every process, in milliseconds.
 */

export interface Order {
  /** Absolute; the first is the one that is measured. */
  readonly roots: readonly string[];
  /** Names, relative to a root, below which a watcher is told not to look. */
  readonly ignored: readonly string[];
  /** Paths that begin with this are reported, so that noise does not fill the pipe to the bench. */
  readonly probes: string;
}

export type Told =
  /** From now on a change is reported. */
  | { readonly ready: true }
  /** Something happened to this absolute path; when the subscriber was called. */
  | { readonly path: string; readonly at: number }
  | { readonly failed: string };

export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** The side of the watcher's process: its order, and the ways to report. */
export function begin(start: (order: Order, saw: (path: string) => void) => Promise<unknown>): void {
  const order = JSON.parse(process.argv[2] as string) as Order;
  const tell = (told: Told): void => void process.stdout.write(`${JSON.stringify(told)}\n`);
  process.stdin.on("end", () => process.exit()).resume();
  const saw = (path: string): void => {
    if (path.startsWith(order.probes)) tell({ path, at: now() });
  };
  start(order, saw).then(
    () => tell({ ready: true }),
    (error: Error) => tell({ failed: error.message }),
  );
}
