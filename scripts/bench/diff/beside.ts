/** Diffs of the worst pairs over the socket, while somebody else asks the daemon for its status. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withDaemon } from "../daemon.ts";
import { startObserver } from "../observing.ts";
import type { TextPair } from "./worst.ts";

const ROUNDS = 3;

export interface Beside {
  /** The slowest answer, in ms: at rest, and while diffs are computed. */
  readonly atRest: number;
  readonly meanwhile: number;
  readonly diffs: number;
}

export function statusBeside(pairs: readonly TextPair[]): Promise<Beside> {
  return withDaemon(async ({ directory, env, connection }) => {
    const root = join(directory, "root");
    mkdirSync(root);
    for (const [n, { old }] of pairs.entries()) writeFileSync(join(root, `${n}`), old);
    const { workspace } = await connection.call("workspace/open", { root });
    const session = await connection.openSession({ workspace: workspace.id });
    for (const [n, { now }] of pairs.entries()) await session.write(`${n}`, now);
    const observer = await startObserver(env);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const atRest = await observer.slowest();
    for (let round = 0; round < ROUNDS; round++)
      for (const n of pairs.keys())
        await connection.call("session/diff", { session: session.id, paths: [`${n}`] });
    const meanwhile = await observer.slowest();
    await observer.stop();
    return { atRest, meanwhile, diffs: ROUNDS * pairs.length };
  });
}
