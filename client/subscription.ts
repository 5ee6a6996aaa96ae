/**
 * A subscription: a daemon's stream of notifications as an async iterator that outlives the connection.
 * Owns resubscribing with the cursor. What a stream carries and what its cursor is say its feeds, changes.ts and
 * events.ts; what waits unread lies in inbox.ts.
 * Invariants: an item is handed out once its predecessors were; the cursor never passes an item that was not handed
 * out. A reader that falls behind loses its place in the daemon's queue, not its items: the stream is taken up again
 * from its cursor when it reads on.
 */
import { setTimeout as delay } from "node:timers/promises";
import { isKind } from "../protocol/wire/errors.ts";
import type { Connection } from "./connection.ts";
import { readDaemonFile } from "./endpoints.ts";
import { isLost, isNoDaemon } from "./faults.ts";
import { makeInbox } from "./inbox.ts";
import type { Link } from "./link.ts";

/** An async iterator of a stream; ends by return(), by its AbortSignal, or with the connection's close(). */
export interface Subscription<Item> extends AsyncIterableIterator<Item, undefined> {
  /** Resolves when the daemon has subscribed: what happens from then on will be in the stream. */
  readonly ready: Promise<void>;
  return(): Promise<IteratorReturnResult<undefined>>;
}

type Answer = Record<string, unknown> & { subscription: string };

/** What one kind of stream is made of. */
export interface Feed<Item> {
  readonly subscribe: "watch/subscribe" | "events/subscribe";
  readonly unsubscribe: "watch/unsubscribe" | "events/unsubscribe";
  /** Params to subscribe with, at the cursor in force. */
  params(): object;
  /** Takes the daemon's answer; gives the item that it stands for, where it does. */
  subscribed(answer: Answer): Promise<Item | undefined>;
  /** Turns a notification's params into an item; undefined where nothing of it is wanted. Moves the cursor. */
  item(params: Record<string, unknown>): Promise<Item | undefined>;
}

/** Between two looks for a daemon that was stopped on purpose, in milliseconds. */
const STOPPED_POLL_MS = 250;

/** Subscribes at once and hands out the feed's items. */
export function subscribe<Item>(
  connection: Connection,
  feed: Feed<Item>,
  signal?: AbortSignal,
): Subscription<Item> {
  const own = new AbortController();
  const ends = signal === undefined ? own.signal : AbortSignal.any([signal, own.signal]);
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  ready.catch(() => {});
  const items = follow(connection, feed, ends, resolve);
  // Taken ahead, so that "from now" means the call of subscribe() and not the first look at the stream.
  let ahead: Promise<IteratorResult<Item, undefined>> | undefined = items.next();
  ahead.catch(reject);
  ends.addEventListener("abort", () => resolve(), { once: true });
  return {
    ready,
    next() {
      const next = ahead ?? items.next();
      ahead = undefined;
      return next;
    },
    async return() {
      own.abort();
      await items.return(undefined).catch(() => {});
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* follow<Item>(
  connection: Connection,
  feed: Feed<Item>,
  signal: AbortSignal,
  ready: () => void,
): AsyncGenerator<Item, undefined> {
  let first = true;
  while (!signal.aborted && !connection.closed) {
    try {
      const link = await attach(connection, first, signal);
      first = false;
      yield* once(link, feed, signal, ready);
    } catch (error) {
      if (signal.aborted || connection.closed) return undefined;
      if (!isLost(error) && !isKind(error, "ShuttingDown")) throw error;
      await delay(STOPPED_POLL_MS / 10, undefined, { signal }).catch(() => {});
    }
  }
  return undefined;
}

/** The stream on one link, until that ends or the reader has fallen behind. */
async function* once<Item>(
  link: Link,
  feed: Feed<Item>,
  signal: AbortSignal,
  ready: () => void,
): AsyncGenerator<Item> {
  const inbox = makeInbox();
  const stop = (): void => inbox.end();
  signal.addEventListener("abort", stop, { once: true });
  link.onEnd(stop);
  let subscription: string | undefined;
  const answered = (answer: unknown): void => {
    subscription = (answer as Answer).subscription;
    link.route(subscription, inbox.push);
  };
  try {
    const answer = (await link.call(feed.subscribe, feed.params(), { signal, answered })) as Answer;
    ready();
    const item = await feed.subscribed(answer);
    if (item !== undefined) yield item;
    for (let params = await inbox.take(); params !== undefined; params = await inbox.take()) {
      const next = await feed.item(params);
      if (next !== undefined) yield next;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    if (subscription !== undefined && !link.ended) {
      link.unroute(subscription);
      link.call(feed.unsubscribe, { subscription }).catch(() => {});
    }
  }
}

/**
 * A link to go on with. A daemon that was killed is started again; one that was stopped on purpose is waited for,
 * or the next reader of an editor would undo every `iopipectl daemon stop`.
 */
async function attach(connection: Connection, first: boolean, signal: AbortSignal): Promise<Link> {
  if (first) return await connection.attach();
  for (;;) {
    const autostart = connection.autostart && wasKilled(connection);
    try {
      return await connection.attach(autostart);
    } catch (error) {
      if (autostart || !isNoDaemon(error)) throw error;
    }
    await delay(STOPPED_POLL_MS, undefined, { signal });
  }
}

/** A clean stop removes daemon.json; a killed daemon leaves it, with the id of a process that is no more. */
function wasKilled({ locations }: Connection): boolean {
  const file = readDaemonFile(locations);
  if (file === undefined) return false;
  try {
    process.kill(file.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
