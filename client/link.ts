/**
 * A link: one socket to a daemon, with calls and notifications on it.
 * Owns ids, pending calls, cancellation and progress. Reconnecting is connection.ts; framing is protocol/wire.
 * Invariants: each call settles exactly once; when the socket ends, all pending calls fail (data.daemon "lost").
 */
import type { Socket } from "node:net";
import { IopipeError, type WireError } from "../protocol/wire/errors.ts";
import { encodeFrame, FrameDecoder, parseFrame } from "../protocol/wire/framing.ts";
import { MAX_FRAME_BYTES } from "../protocol/wire/limits.ts";
import { cancelled, lostConnection } from "./faults.ts";

/** Progress of a long call: `done` of `total` in the units of `phase`. */
export interface Progress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  readonly etaMs?: number;
  /** Of session/verify: what a command has printed. */
  readonly output?: { readonly check?: string; readonly stream: "stdout" | "stderr"; readonly text: string };
}

/** How one call may be ended, and who hears how far it is. */
export interface CallOptions {
  /** Aborting sends `$/cancelRequest`; the call then fails with Cancelled, or answers where it was past cancelling. */
  readonly signal?: AbortSignal | undefined;
  /** Asks the daemon for its progress; called with each, ten times a second at most. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

interface LinkCall extends CallOptions {
  /** Called with the result before any later frame is looked at; a subscription takes its notifications from here. */
  readonly answered?: ((result: unknown) => void) | undefined;
}

type Listener = (params: Record<string, unknown>) => void;

/** An answer may be larger than a request: a diff of 8 MiB in which each byte needs an escape. */
const MAX_ANSWER_BYTES = 4 * MAX_FRAME_BYTES;

interface Pending {
  settle(message: Message): void;
  fail(error: IopipeError): void;
  progress: ((progress: Progress) => void) | undefined;
}

interface Message {
  readonly id?: number | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: unknown;
  readonly error?: WireError;
}

/** Speaks newline-delimited JSON-RPC on a connected socket. */
export class Link {
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder(MAX_ANSWER_BYTES);
  readonly #pending = new Map<number, Pending>();
  readonly #routes = new Map<string, Listener>();
  readonly #endListeners: (() => void)[] = [];
  #lastId = 0;
  #ended = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", () => this.#end(lostConnection()));
    socket.on("close", () => this.#end(lostConnection()));
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Calls `listener` once when the socket has ended, at once if it has. */
  onEnd(listener: () => void): void {
    if (this.#ended) listener();
    else this.#endListeners.push(listener);
  }

  /** Takes the notifications whose `params.subscription` is `subscription`. */
  route(subscription: string, listener: Listener): void {
    this.#routes.set(subscription, listener);
  }

  unroute(subscription: string): void {
    this.#routes.delete(subscription);
  }

  close(): void {
    this.#end(lostConnection());
  }

  async call(method: string, params: object, options: LinkCall = {}): Promise<unknown> {
    const { signal, onProgress, answered } = options;
    if (this.#ended) throw lostConnection();
    if (signal?.aborted) throw cancelled();
    const id = ++this.#lastId;
    const asked = onProgress === undefined ? params : { ...params, progressToken: id };
    const frame = checkedFrame({ id, method, params: asked });
    const cancel = (): void => this.#send(checkedFrame({ method: "$/cancelRequest", params: { id } }));
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        const settle = ({ result, error }: Message): void => {
          if (error === undefined) {
            answered?.(result);
            resolve(result);
          } else reject(IopipeError.fromWire(error));
        };
        this.#pending.set(id, { settle, fail: reject, progress: onProgress });
        this.#send(frame);
      });
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  #send(frame: string): void {
    if (!this.#ended) this.#socket.write(frame);
  }

  #receive(chunk: Buffer): void {
    try {
      for (const decoded of this.#decoder.push(chunk)) {
        if ("error" in decoded) throw decoded.error;
        for (const message of [parseFrame(decoded.frame)].flat()) this.#dispatch(message as Message);
      }
    } catch (error) {
      // What cannot be decoded ends the stream; what a listener throws is its own defect, and not to be hidden.
      if (!(error instanceof IopipeError)) throw error;
      this.#end(error);
    }
  }

  #dispatch(message: Message): void {
    if (message.method !== undefined) {
      this.#notified(message.method, message.params ?? {});
      return;
    }
    if (typeof message.id !== "number") {
      // Without an id, the daemon could not ascribe the error to a request: it is about all of them.
      this.#failAll(IopipeError.fromWire(message.error as WireError));
      return;
    }
    const call = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    call?.settle(message);
  }

  #notified(method: string, params: Record<string, unknown>): void {
    if (method === "$/progress")
      this.#pending.get(params.token as number)?.progress?.(params.value as Progress);
    else if (typeof params.subscription === "string") this.#routes.get(params.subscription)?.(params);
  }

  #failAll(error: IopipeError): void {
    const calls = [...this.#pending.values()];
    this.#pending.clear();
    for (const call of calls) call.fail(error);
  }

  #end(error: IopipeError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.destroy();
    this.#failAll(error);
    for (const listener of this.#endListeners.splice(0)) listener();
  }
}

function checkedFrame(message: { id?: number; method: string; params: object }): string {
  const frame = encodeFrame("lines", JSON.stringify({ jsonrpc: "2.0", ...message }));
  const bytes = Buffer.byteLength(frame);
  if (bytes <= MAX_FRAME_BYTES) return frame;
  throw new IopipeError("FrameTooLarge", `The call of ${message.method} has ${bytes} bytes.`, {
    limit: MAX_FRAME_BYTES,
  });
}
