/** The demo's eyes: the stream of changes under the repository, with the moment at which each batch arrived. */
import assert from "node:assert/strict";
import type { Connection, FileChanges } from "../../client/index.ts";

export type Change = FileChanges["changes"][number];

export interface Observer {
  /** Takes batches until one has a change of each of `paths`, in whatever order; gives each with its time of arrival. */
  until(paths: Iterable<string>): Promise<Arrival[]>;
  close(): Promise<void>;
}

interface Arrival {
  readonly change: Change;
  /** When its batch was here, as performance.now(). */
  readonly atMs: number;
}

/** Follows `workspace` from now on. */
export async function observe(connection: Connection, workspace: string): Promise<Observer> {
  const stream = connection.changes(workspace);
  await stream.ready;
  return {
    async until(paths) {
      const missing = new Set(paths);
      const arrivals: Arrival[] = [];
      while (missing.size > 0) {
        const { value: batch } = await stream.next();
        assert.ok(batch, "the stream of changes ended");
        const atMs = performance.now();
        for (const change of batch.changes) {
          arrivals.push({ change, atMs });
          missing.delete(change.path);
        }
      }
      return arrivals;
    },
    async close() {
      await stream.return();
    },
  };
}
