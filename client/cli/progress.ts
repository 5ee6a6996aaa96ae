/**
 * Progress of long calls, on a terminal's stderr: one line, rewritten, gone at the end.
 * Nothing is shown for the first 300 ms, nor where stderr is no terminal.
 */
import type { Progress } from "../link.ts";
import { ERASE_LINE } from "./output.ts";
import { visible } from "./visible.ts";

const QUIET_MS = 300;

/** Runs `work`, which reports its progress if it is given somewhere to. */
export async function showProgress<T>(
  work: (onProgress: ((progress: Progress) => void) | undefined) => Promise<T>,
): Promise<T> {
  const { stderr } = process;
  if (stderr.isTTY !== true) return await work(undefined);
  const shownFrom = performance.now() + QUIET_MS;
  let shown = false;
  try {
    return await work(({ phase, done, total, etaMs }) => {
      if (performance.now() < shownFrom) return;
      const left = etaMs === undefined ? "" : `, ${Math.ceil(etaMs / 1000)} s left`;
      stderr.write(`${ERASE_LINE}${visible(phase)} ${done}/${total}${left}`);
      shown = true;
    });
  } finally {
    if (shown) stderr.write(ERASE_LINE);
  }
}
