/**
 * The stream of changes under a workspace: watch/subscribe as an async iterator.
 * Owns the clock as cursor, and looking afresh. Resubscribing is subscription.ts.
 */
import type { FileChange, Lanes, Priority } from "../protocol/methods/index.ts";
import type { Connection } from "./connection.ts";
import { type Subscription, subscribe } from "./subscription.ts";

/** Which changes are followed, from when on, and in which batches. */
export interface ChangesOptions {
  /** A batch's clock: the stream begins with what changed after it. Default: now. */
  readonly since?: string | undefined;
  /** Globs as git's `:(glob)`; what matches none of them is left out. */
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly priorities?: readonly Priority[] | undefined;
  /** Globs that give paths another priority, for this stream alone. */
  readonly lanes?: Lanes | undefined;
  /** Holds batches back while git works on the tree, for ten seconds at the longest. */
  readonly waitForGit?: boolean | undefined;
  /** Waits before each batch until nothing has changed for this long, in milliseconds. Default 0. */
  readonly settleMs?: number | undefined;
  /** Ends the stream when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** One batch of changes. */
export interface FileChanges {
  /** Where the stream stands after this batch: `since` of a later stream. */
  readonly clock: string;
  /** True: the history has a gap. `changes` then lists all that exists; forget what was known before. */
  readonly fresh: boolean;
  readonly changes: readonly FileChange[];
}

/**
 * Follows a workspace's changes; survives restarts of the daemon, and what changed meanwhile comes first.
 *
 * @throws {IopipeError} from next(): WorkspaceNotFound, RootGone; the stream has then ended.
 */
export function changes(
  connection: Connection,
  workspace: string,
  options: ChangesOptions,
): Subscription<FileChanges> {
  const { signal, since, settleMs, priorities, lanes, waitForGit, ...globs } = options;
  const filter = { workspace, ...copied(globs), ...(lanes && { lanes }) };
  const wanted = priorities && new Set(priorities);
  let clock = since;

  const lookAfresh = async (): Promise<FileChanges> => {
    const all: FileChange[] = [];
    let page = await connection.call("watch/since", filter, { signal });
    for (
      ;
      page.more;
      page = await connection.call("watch/since", { ...filter, clock: page.clock }, { signal })
    )
      all.push(...page.changes);
    all.push(...page.changes);
    clock = page.clock;
    const listed = wanted ? all.filter(({ priority }) => wanted.has(priority)) : all;
    return { clock, fresh: true, changes: listed };
  };
  return subscribe<FileChanges>(
    connection,
    {
      subscribe: "watch/subscribe",
      unsubscribe: "watch/unsubscribe",
      params: () => ({ ...filter, since: clock, settleMs, priorities, waitForGit }),
      async subscribed(answer) {
        if (answer.fresh === true) return await lookAfresh();
        clock ??= answer.clock as string;
        return undefined;
      },
      async item(params) {
        const batch = params as unknown as FileChanges;
        if (batch.fresh) return await lookAfresh();
        clock = batch.clock;
        return { clock, fresh: false, changes: batch.changes };
      },
    },
    signal,
  );
}

function copied({ include, exclude }: Pick<ChangesOptions, "include" | "exclude">): {
  include?: string[];
  exclude?: string[];
} {
  return { ...(include && { include: [...include] }), ...(exclude && { exclude: [...exclude] }) };
}
