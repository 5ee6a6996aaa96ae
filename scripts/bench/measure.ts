/**
 * Measuring side by side: ours and the peer in turn, in one run, so that a machine that slows down slows both.
 * What is reported are medians and their ratio; absolute times are this machine's only.
 */

type Work = (round: number) => Promise<unknown> | unknown;

export interface Side {
  readonly name: string;
  /** What one run needs first; not timed. */
  readonly before?: Work | undefined;
  /** One run; its work is done when it resolves. */
  readonly run: Work;
  /** What one run leaves to clean up; not timed. */
  readonly after?: Work | undefined;
}

export interface Row {
  readonly what: string;
  readonly ours: number;
  readonly peer: string;
  readonly theirs: number;
  /** What was measured beside the time. */
  readonly note?: string | undefined;
}

/** Median milliseconds of `rounds` interleaved runs of each side, after one warm-up that does not count. */
export async function compare(what: string, ours: Side, peer: Side, rounds: number): Promise<Row> {
  const [row] = await compareWithAll(what, ours, [peer], rounds);
  return row as Row;
}

/** As `compare`, with each peer: all of them have their turn in every round. */
export async function compareWithAll(
  what: string,
  ours: Side,
  peers: readonly Side[],
  rounds: number,
): Promise<Row[]> {
  const sides = [ours, ...peers];
  const times = sides.map((): number[] => []);
  for (let round = 0; round <= rounds; round++)
    for (const [n, side] of sides.entries()) {
      const took = await time(side, round);
      if (round > 0) times[n]?.push(took);
    }
  const [mine, ...theirs] = times.map(median) as [number, ...number[]];
  return peers.map(({ name }, n) => ({ what, ours: mine, peer: name, theirs: theirs[n] as number }));
}

async function time({ before, run, after }: Side, round: number): Promise<number> {
  await before?.(round);
  const began = performance.now();
  await run(round);
  const took = performance.now() - began;
  await after?.(round);
  return took;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

export function print(rows: readonly Row[]): void {
  const width = Math.max(...rows.map(({ what }) => what.length));
  const peerWidth = Math.max(...rows.map(({ peer }) => peer.length));
  for (const { what, ours, peer, theirs, note } of rows) {
    process.stdout.write(
      `${what.padEnd(width)}  ${ms(ours)}   ${peer.padEnd(peerWidth)}  ${ms(theirs)}   ratio ${(ours / theirs).toFixed(2).padStart(6)}   difference ${ms(ours - theirs)}${note === undefined ? "" : `   ${note}`}\n`,
    );
  }
}

const ms = (value: number): string => `${value.toFixed(3).padStart(9)} ms`;
