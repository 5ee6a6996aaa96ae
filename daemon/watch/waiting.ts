/**
 * Waiting with an end: a promise against a signal.
 * Owns nothing; what is waited for goes on behind.
 */

/** `work`'s result, or a rejection with `signal`'s reason when that comes first. */
export function until<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** A signal that aborts with `reason` after `ms`, or with `cancelled` when `also` does. */
export function deadline(
  ms: number,
  reason: () => Error,
  also: AbortSignal | undefined,
  cancelled: () => Error,
) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(reason()), ms);
  const cancel = (): void => controller.abort(cancelled());
  if (also?.aborted) cancel();
  else also?.addEventListener("abort", cancel, { once: true });
  return {
    signal: controller.signal,
    end(): void {
      clearTimeout(timer);
      also?.removeEventListener("abort", cancel);
    },
  };
}
