/**
 * Pages of a list: `limit` and `after` in, `next` out where there is more.
 * A cursor is the number of the page's last row: it stands when that row is gone meanwhile.
 */
import { IopipeError } from "../../../protocol/wire/errors.ts";
import type { Page } from "../../store/index.ts";

export const DEFAULT_LIMIT = 200;

export interface Asked {
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
}

/** The page asked for, of what `read` gives newest first. @throws {IopipeError} InvalidParams where `after` is no cursor */
export function pageOf<T extends { readonly n: number }>(
  { limit = DEFAULT_LIMIT, after }: Asked,
  read: (page: Page) => T[],
): { rows: T[]; next?: string } {
  const rows = read({ limit: limit + 1, before: after === undefined ? undefined : numberIn(after) });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { rows: page, ...(last && rows.length > limit && { next: String(last.n) }) };
}

/** Rows are counted from 1. */
function numberIn(after: string): number {
  if (/^[1-9]\d{0,14}$/.test(after)) return Number(after);
  throw notANext(after);
}

/** The refusal of what no page of the list can have given as its `next`. */
export function notANext(after: string): IopipeError {
  const shown = JSON.stringify(after.length > SHOWN ? `${after.slice(0, SHOWN)}…` : after);
  return new IopipeError("InvalidParams", `\`after\`, ${shown}, is no \`next\` of a page of this list.`, {
    param: "after",
    hint: "Give the `next` that the page before came with, or leave it out for the first page.",
  });
}

/** Of a cursor that is none, in characters. */
const SHOWN = 100;
