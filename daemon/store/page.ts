/** A part of a list that is read newest first. Rows are numbered (`n`), so that a page's end stands when rows go. */
export interface Page {
  readonly limit: number;
  /** Only rows with a smaller number. */
  readonly before?: number | undefined;
}

/** Before which all rows are. */
export const NO_END = Number.MAX_SAFE_INTEGER;
