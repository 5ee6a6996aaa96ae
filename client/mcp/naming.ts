/** How a call names its session: by id, by key, or by IOPIPE_SESSION. */
import { IopipeError } from "../../protocol/wire/errors.ts";

export interface Named {
  readonly session?: string | undefined;
  readonly key?: string | undefined;
}

/** What of a call's arguments, or else IOPIPE_SESSION, names the session. */
export function naming({
  session,
  key,
}: Named): { id: string; key?: undefined } | { id?: undefined; key: string } {
  if (session !== undefined && key !== undefined)
    throw new IopipeError("InvalidParams", "Both `session` and `key` are given.", {
      hint: "Give one of them: the `session` that an answer named, or the `key` of this conversation.",
    });
  if (key !== undefined) return { key };
  const id = session ?? process.env.IOPIPE_SESSION;
  if (id) return { id };
  throw new IopipeError("InvalidParams", "The call names no session.", {
    hint:
      "Give a `key` of your own making, the same in every call of this conversation and hard to guess, or the " +
      "`session` that an answer named.",
  });
}
