/**
 * The shortest edit script of two sequences of numbers, by Myers' greedy algorithm with a budget.
 * Deterministic: the budget counts edits, never time.
 * Source: E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986).
 */

/** Most insertions and deletions that are searched for: about half a million steps and 4 MB, some milliseconds. */
const MAX_EDITS = 1000;

/**
 * Calls `match(i, j)` for every pair of the longest common subsequence.
 *
 * Returns false, having called nothing, when more than MAX_EDITS edits lie between the two.
 */
export function matchSequences(a: Int32Array, b: Int32Array, match: (i: number, j: number) => void): boolean {
  const trace = search(a, b);
  if (!trace) return false;
  walkBack(trace, a.length, b.length, match);
  return true;
}

/** Furthest x on each diagonal, one array for each number of edits d; diagonal k lies at index k + d. */
function search(a: Int32Array, b: Int32Array): Int32Array[] | undefined {
  const trace: Int32Array[] = [];
  const limit = Math.min(a.length + b.length, MAX_EDITS);
  let before = new Int32Array(0);
  for (let d = 0; d <= limit; d++) {
    const reached = new Int32Array(2 * d + 1);
    trace.push(reached);
    for (let k = -d; k <= d; k += 2) {
      let x = d === 0 ? 0 : startOf(before, d, k);
      let y = x - k;
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x++;
        y++;
      }
      reached[k + d] = x;
      if (x >= a.length && y >= b.length) return trace;
    }
    before = reached;
  }
  return undefined;
}

/** Where diagonal k begins with d edits: one down from k + 1, or one right from k - 1, whichever reaches further. */
function startOf(before: Int32Array, d: number, k: number): number {
  return goesDown(before, d, k) ? at(before, d, k + 1) : at(before, d, k - 1) + 1;
}

function goesDown(before: Int32Array, d: number, k: number): boolean {
  return k === -d || (k !== d && at(before, d, k - 1) < at(before, d, k + 1));
}

/** `before` holds d - 1 edits. */
function at(before: Int32Array, d: number, k: number): number {
  return before[k + d - 1] as number;
}

function walkBack(
  trace: Int32Array[],
  endX: number,
  endY: number,
  match: (i: number, j: number) => void,
): void {
  let x = endX;
  let y = endY;
  for (let d = trace.length - 1; d >= 0; d--) {
    const k = x - y;
    const before = trace[d - 1];
    const down = before !== undefined && goesDown(before, d, k);
    const startX = before === undefined ? 0 : startOf(before, d, k);
    while (x > startX) match(--x, --y);
    if (before === undefined) return;
    if (down) y--;
    else x--;
  }
}
