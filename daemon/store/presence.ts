/**
 * Presence: whether the database's files are still those that are open. SQLite goes on writing into a file that was
 * deleted or replaced, and every answer would be a promise that dies with the process.
 * Owns the look and its wording. Who looks is transactions.ts, before each commit, and main.ts, from time to time;
 * main.ts says what follows.
 * RACE: between the look and its COMMIT a file may go. Worst case: one transaction is answered, and lost.
 */
import { statSync } from "node:fs";
import { IopipeError } from "../../protocol/wire/errors.ts";

export interface Presence {
  /** An IoFailed once a file is another one or gone; some ten microseconds. */
  look(): IopipeError | undefined;
  /** Resolves to that error when a look has found it. */
  readonly lost: Promise<IopipeError>;
}

/** Of `files` as they are now. */
export function openPresence(files: readonly string[]): Presence {
  const known = files.map((file) => ({ file, identity: identityOf(file) }));
  const { promise: lost, resolve: found } = Promise.withResolvers<IopipeError>();
  const look = (): IopipeError | undefined => {
    for (const { file, identity } of known) {
      const now = identityOf(file);
      if (now === identity) continue;
      const error = gone(file, now === undefined ? "deleted" : "replaced");
      found(error);
      return error;
    }
    return undefined;
  };
  return { look, lost };
}

function identityOf(file: string): string | undefined {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}`;
}

function gone(file: string, how: string): IopipeError {
  return new IopipeError("IoFailed", `${file} was ${how} while iopiped had it open; nothing was recorded.`, {
    hint: "This iopiped stops. Put the state directory back, or repeat the command to begin with an empty one.",
  });
}
