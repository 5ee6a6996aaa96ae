/** Pages of a list: `limit` and `after` in, `next` out where there is more. */

const DEFAULT_LIMIT = 200;

export interface Page {
  readonly limit?: number | undefined;
  /** `next` of the page before: the last id or path on it. */
  readonly after?: string | undefined;
}

/** The page of `rows` that follows `after`. A row that is gone meanwhile begins the list again. */
export function pageOf<T>(
  rows: readonly T[],
  { limit = DEFAULT_LIMIT, after }: Page,
  keyOf: (row: T) => string,
): { rows: T[]; next?: string } {
  const start = after === undefined ? 0 : rows.findIndex((row) => keyOf(row) === after) + 1;
  const page = rows.slice(start, start + limit);
  const last = page.at(-1);
  const more = last !== undefined && start + limit < rows.length;
  return { rows: page, ...(more && { next: keyOf(last) }) };
}
