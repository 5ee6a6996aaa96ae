/**
 * A bundle of its own, loaded by path, for the parser that it carries.
 * Edits of a Jupyter notebook's cells in its text. Other cells keep their bytes: numbers in outputs come through as they
 * are written, and a neighbour of the edit at most gets the usual formatting.
 * Source: nbformat 4 (cells have an `id` from 4.5 on; a code cell has outputs and an execution count).
 */
import { applyEdits, type JSONPath, modify, parse } from "jsonc-parser";
import { IopipeError } from "../../protocol/wire/errors.ts";

interface CellEdit {
  /** A cell's id, or `cell-N` for the one of that index; for `insert`, the cell to insert after, default at the start. */
  readonly cell: string | undefined;
  readonly source: string;
  /** code, markdown or raw. */
  readonly type: string | undefined;
  /** replace, insert or delete. */
  readonly mode: string;
}

interface Notebook {
  readonly cells: readonly { readonly id?: string; readonly cell_type: string }[];
  readonly nbformat?: number;
  readonly nbformat_minor?: number;
}

/** The notebook's text with one cell edited. @throws {IopipeError} NotAFile for no notebook, MatchNotFound for no such cell */
export function editNotebook(text: string, edit: CellEdit): string {
  const notebook = parse(text) as Notebook | undefined;
  if (!Array.isArray(notebook?.cells))
    throw new IopipeError("NotAFile", "The file is no Jupyter notebook: it has no cells.", {
      hint: "Write it as a whole.",
    });
  const steps = stepsOf(notebook, edit);
  // A notebook of one line stays one.
  const formatting = text.trimEnd().includes("\n")
    ? { formattingOptions: { insertSpaces: true, tabSize: indentOf(text) } }
    : {};
  return steps.reduce((now, [path, value, isInsertion]) => {
    return applyEdits(now, modify(now, path, value, { ...formatting, isArrayInsertion: isInsertion }));
  }, text);
}

type Step = readonly [path: JSONPath, value: unknown, isInsertion: boolean];

function stepsOf(notebook: Notebook, { cell, source, type, mode }: CellEdit): Step[] {
  if (mode === "insert") {
    const at = cell === undefined ? 0 : indexOf(notebook, cell) + 1;
    return [[["cells", at], newCell(notebook, type ?? "code", source), true]];
  }
  const at = indexOf(notebook, cell ?? "");
  if (mode === "delete") return [[["cells", at], undefined, false]];
  const now = type ?? notebook.cells[at]?.cell_type;
  const typed: Step[] = type === undefined ? [] : [[["cells", at, "cell_type"], type, false]];
  // What an earlier source printed is not what this one prints.
  const unrun: Step[] = [
    [["cells", at, "outputs"], now === "code" ? [] : undefined, false],
    [["cells", at, "execution_count"], now === "code" ? null : undefined, false],
  ];
  const wasCode = notebook.cells[at]?.cell_type === "code";
  return [
    ...typed,
    [["cells", at, "source"], lines(source), false],
    ...(now === "code" || wasCode ? unrun : []),
  ];
}

function indexOf({ cells }: Notebook, cell: string): number {
  const byId = cells.findIndex(({ id }) => id !== undefined && id === cell);
  const index = byId >= 0 ? byId : Number(/^cell-(\d+)$/.exec(cell)?.[1] ?? -1);
  if (index >= 0 && index < cells.length) return index;
  throw new IopipeError(
    "MatchNotFound",
    `The notebook has no cell ${JSON.stringify(cell)} among its ${cells.length}.`,
    {
      hint: "Read the notebook again for the cells' ids.",
    },
  );
}

function newCell({ nbformat = 4, nbformat_minor = 0 }: Notebook, type: string, source: string): object {
  const hasIds = nbformat > 4 || (nbformat === 4 && nbformat_minor >= 5);
  return {
    cell_type: type,
    ...(type === "code" && { execution_count: null }),
    ...(hasIds && { id: crypto.randomUUID().slice(0, 8) }),
    metadata: {},
    ...(type === "code" && { outputs: [] }),
    source: lines(source),
  };
}

/** As notebooks have it: one string a line, each with its end. */
function lines(source: string): string[] {
  return source === "" ? [] : source.split(/(?<=\n)/);
}

function indentOf(text: string): number {
  return /\n( +)"/.exec(text)?.[1]?.length ?? 1;
}
