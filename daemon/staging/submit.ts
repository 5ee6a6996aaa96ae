/** Submitting: the owner says that a session is ready for review. It stays so until it is staged into again. */
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { SessionRow, Store } from "../store/index.ts";
import { sessionEvent } from "./events.ts";

/** @throws {IopipeError} IllegalState when nothing is pending; the session is as it was */
export function submit(store: Store, session: SessionRow, message: string | undefined, by?: string): void {
  store.transaction(() => {
    if (store.sessions.counts(session.id).pending === 0) {
      throw new IopipeError("IllegalState", `Session ${session.id} has nothing pending to review.`, {
        session: session.id,
        hint: "Stage a change first.",
      });
    }
    store.sessions.submit(session.id, message);
    sessionEvent(store, "session/submitted", session, by);
  });
}
