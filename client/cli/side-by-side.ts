/**
 * A diff in two columns: on the left what was, on the right what will be, each line with its number.
 * Pure. Owns the layout; the text is made visible before it is cut, so that no control character moves a column.
 */
import type { FileStatus, Hunk } from "../../protocol/methods/index.ts";
import { visible } from "./visible.ts";
import { toWidth } from "./width.ts";

/** Narrower, two columns of code are of no use to anybody. */
export const MIN_COLUMNS = 100;

const NUMBER_WIDTH = 5;
const TAB = "    ";

/** A row: the two halves, padded to their column's width, and what each is. */
export interface Row {
  readonly left: string;
  readonly right: string;
  readonly isRemoved: boolean;
  readonly isAdded: boolean;
}

interface Cell {
  readonly number: number;
  readonly text: string;
}

/** The rows of a file's hunks for a terminal of so many columns; undefined between two hunks. */
export function rowsOf({ hunks = [] }: FileStatus, columns: number): (Row | undefined)[] {
  const width = Math.floor((columns - 3) / 2);
  return hunks.flatMap((hunk, n) => [...(n > 0 ? [undefined] : []), ...rowsOfHunk(hunk, width)]);
}

function rowsOfHunk({ lines, oldStart, newStart }: Hunk, width: number): Row[] {
  const rows: Row[] = [];
  const [removed, added]: [Cell[], Cell[]] = [[], []];
  let [old, now] = [oldStart, newStart];
  const flush = (): void => {
    const count = Math.max(removed.length, added.length);
    for (let n = 0; n < count; n++) rows.push(row(removed[n], added[n], width));
    removed.length = 0;
    added.length = 0;
  };
  for (const line of lines) {
    const text = line.slice(1);
    if (line.startsWith("-")) removed.push({ number: old++, text });
    else if (line.startsWith("+")) added.push({ number: now++, text });
    else if (line.startsWith(" ")) {
      flush();
      const cells = [
        { number: old++, text },
        { number: now++, text },
      ] as const;
      rows.push({ ...row(...cells, width), isRemoved: false, isAdded: false });
    }
  }
  flush();
  return rows;
}

function row(left: Cell | undefined, right: Cell | undefined, width: number): Row {
  return {
    left: cell(left, width),
    right: cell(right, width),
    isRemoved: left !== undefined,
    isAdded: right !== undefined,
  };
}

/** A line's number and as much of it as fits; what was cut off is told by an ellipsis. */
function cell(content: Cell | undefined, width: number): string {
  if (!content) return " ".repeat(width);
  const room = width - NUMBER_WIDTH - 1;
  const text = visible(content.text.replaceAll("\t", TAB));
  return `${String(content.number).padStart(NUMBER_WIDTH)} ${toWidth(text, room)}`;
}
