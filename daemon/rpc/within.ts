/** Waiting with a bound. */

/** Resolves when `promise` settles or `ms` milliseconds are over, whichever is first; never rejects. */
export async function within(promise: Promise<unknown>, ms: number): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  promise.then(
    () => over.resolve(),
    () => over.resolve(),
  );
  await over.promise;
  clearTimeout(timer);
}
