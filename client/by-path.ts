/**
 * Bundles of their own that a verb loads by path when it needs them, so that no other pays for their packages.
 * Owns the one thing in which they differ from an import: an error of theirs is of their own copy of the class.
 */
import { IopipeError, type WireError } from "../protocol/wire/errors.ts";

/** Loads the bundle at `url` and does `work` with what it exports; its IopipeErrors are thrown as this bundle's. */
export async function byPath<M, T>(url: URL, work: (bundle: M) => T): Promise<Awaited<T>> {
  const bundle = (await import(url.href)) as M;
  try {
    return await work(bundle);
  } catch (error) {
    const { toWire } = error as { toWire?: () => WireError };
    throw toWire ? IopipeError.fromWire(toWire.call(error)) : error;
  }
}
