/**
 * The requests that one connection has running: their number, their cancellation, their end.
 * Owns the AbortControllers. What an abort means to the work is the handler's (call.ts, `signal`).
 */
import { IopipeError } from "../../protocol/wire/index.ts";
import type { Id, Request } from "./envelope.ts";
import { mutates } from "./mutating.ts";

/** Requests that run at once for one connection; reading waits when there are more. */
const MAX_RUNNING = 256;

export interface Requests {
  /** Counts `request` as running until `end` is called. */
  begin(request: Request): { readonly signal: AbortSignal; end(): void };
  /** Aborts every running request with this id; unknown ids are nothing (the answer may be on its way). */
  cancel(id: Id): void;
  /** Aborts the requests that change nothing; those that do run to their end. */
  abortReads(reason: IopipeError): void;
  /** Whether another request may begin. */
  hasRoom(): boolean;
  /** Resolves at the next end of a request, at once when none runs. */
  oneEnded(): Promise<void>;
}

export function createRequests(): Requests {
  const running = new Set<{ readonly request: Request; readonly controller: AbortController }>();
  let waiting: (() => void)[] = [];

  return {
    begin(request) {
      const entry = { request, controller: new AbortController() };
      running.add(entry);
      return {
        signal: entry.controller.signal,
        end: () => {
          running.delete(entry);
          const resolved = waiting;
          waiting = [];
          for (const resolve of resolved) resolve();
        },
      };
    },
    cancel(id) {
      for (const { request, controller } of running) {
        if (request.id === id)
          controller.abort(new IopipeError("Cancelled", `The request ${JSON.stringify(id)} was cancelled.`));
      }
    },
    abortReads(reason) {
      for (const { request, controller } of running) if (!mutates(request.method)) controller.abort(reason);
    },
    hasRoom: () => running.size < MAX_RUNNING,
    oneEnded: () =>
      running.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve)),
  };
}
