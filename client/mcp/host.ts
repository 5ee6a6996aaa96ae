/**
 * The host's end: when its pipe is closed, or it is gone while somebody else still holds the pipe.
 * Source: hosts that died left hundreds of servers behind (modelcontextprotocol/typescript-sdk#2002, and others), for a
 * socket keeps an event loop alive.
 */

/** How often the parent is looked at, in milliseconds; with it a server outlives its host by less than a second. */
const LOOK_MS = 500;

/** Resolves when stdin has ended or failed, the parent is another one, or `signal` is aborted. */
export function hostGone(signal: AbortSignal): Promise<void> {
  const parent = process.ppid;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (process.ppid !== parent) done();
    }, LOOK_MS);
    const done = (): void => {
      clearInterval(timer);
      resolve();
    };
    for (const event of ["end", "close", "error"]) process.stdin.once(event, done);
    process.stdout.once("error", done);
    signal.addEventListener("abort", done, { once: true });
  });
}
