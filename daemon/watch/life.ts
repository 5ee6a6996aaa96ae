/**
 * A root's life: present, absent, back again; and what is said about it (state, warnings).
 * Owns the one Live of a present root, begun and ended as the directory comes and goes, one transition at a time.
 * Invariant: nothing is recorded while the root is absent, so its absence deletes nothing.
 */

import type { WatchState } from "../../protocol/methods/values.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { isTemporaryName } from "../disk/path.ts";
import type { Ignore } from "./ignore.ts";
import type { Ledger } from "./ledger.ts";
import { type Live, openLive } from "./live.ts";
import { identityOf, type Presence, watchPresence } from "./presence.ts";
import type { WatchOptions } from "./types.ts";

export interface Life {
  readonly live: Live | undefined;
  readonly state: WatchState;
  readonly warnings: string[];
  /** The machinery of the present root; rejects with RootGone while it is absent. */
  present(): Promise<Live>;
  /** Looks whether the root is what it was; where it is not, `present` waits for what comes of that. */
  look(): Promise<void>;
  /** Whether a path is none of the root's content. */
  hidden(path: string): boolean;
  onState(listener: (state: WatchState) => void): () => void;
  close(): Promise<void>;
}

const MAX_WARNINGS = 20;

export function openLife(options: WatchOptions & { ledger: Ledger; ignore: Ignore }): Life {
  const { root, log } = options;
  const listeners = new Set<(state: WatchState) => void>();
  const lasting = new Set<string>();
  const passing = new Set<string>();
  /** What the crawls under way have found of them. */
  const renewals = new Set<Set<string>>();
  const hidden = hiddenIn(root, options.guarded ?? []);
  let live: Live | undefined;
  let presence: Presence | undefined;
  let absent = false;
  let failed = false;
  let closed = false;
  let told: WatchState = "crawling";

  const state = (): WatchState => {
    if (failed) return "failed";
    return absent ? "suspended" : (live?.state ?? "crawling");
  };

  const changed = (): void => {
    const now = state();
    if (closed || now === told) return;
    told = now;
    log.info({ root, state: now }, "The watch's state changed.");
    for (const listener of listeners) listener(now);
  };

  const warnIn = (set: Set<string>) => (message: string) => {
    if (set.has(message) || set.size >= MAX_WARNINGS) return;
    set.add(message);
    log.warn({ root }, message);
  };

  const renewWarnings = (): (() => void) => {
    const [before, found] = [[...passing], new Set<string>()];
    renewals.add(found);
    return () => {
      renewals.delete(found);
      for (const message of before) if (!found.has(message)) passing.delete(message);
    };
  };

  const enter = async (identity: string | undefined): Promise<void> => {
    await live?.close();
    live = undefined;
    lasting.clear();
    passing.clear();
    renewals.clear();
    absent = identity === undefined;
    failed = false;
    if (identity !== undefined && !closed) {
      live = openLive({
        ...options,
        hidden,
        warn(message) {
          for (const found of renewals) found.add(message);
          warnIn(passing)(message);
        },
        warnForGood: warnIn(lasting),
        renewWarnings,
        changed,
        rootStirred: () => void presence?.check(),
      });
      live.ready.catch(() => {});
    }
    changed();
  };

  let turn: Promise<void> = Promise.resolve();
  const transition = (identity: string | undefined): Promise<void> => {
    turn = turn
      .then(() => enter(identity))
      .catch((error: Error) => {
        failed = true;
        warnIn(lasting)(`Watching failed: ${error.message}.`);
        changed();
      });
    return turn;
  };

  const begun = identityOf(root).then((identity) => {
    if (closed) return;
    presence = watchPresence(root, identity, (now) => void transition(now));
    return transition(identity);
  });

  return {
    get live() {
      return live;
    },
    get state() {
      return state();
    },
    get warnings() {
      return [...lasting, ...passing];
    },
    async present() {
      await begun;
      await turn;
      if (live) return live;
      if (failed) throw new IopipeError("WatchFailed", `Watching ${root} failed: ${[...lasting].join(" ")}`);
      throw new IopipeError("RootGone", `The root ${root} is not there, or may not be read.`);
    },
    look: async () => presence?.check(),
    hidden,
    onState(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      closed = true;
      await begun;
      presence?.close();
      await turn;
      await live?.close();
      live = undefined;
    },
  };
}

/** Names that lead out of the root, or nowhere. */
const NO_NAMES = new Set(["", ".", "..", ".git"]);

/** Says of a path whether it is outside the root, `.git`'s, a temporary file of ours, or in a guarded directory. */
function hiddenIn(root: string, guarded: readonly string[]): (path: string) => boolean {
  const own = guarded.filter((one) => one.startsWith(`${root}/`)).map((one) => one.slice(root.length + 1));
  return (path) =>
    path.split("/").some((name) => NO_NAMES.has(name.toLowerCase()) || isTemporaryName(name)) ||
    own.some((directory) => path === directory || path.startsWith(`${directory}/`));
}
