/**
 * A connection: one client's socket, from its bytes to its answers.
 * Owns reading, its pauses and the connection's end. Frames are protocol/wire/framing.ts, messages envelope.ts, their
 * execution dispatch.ts, the way back outbox.ts.
 * Invariants: requests start in the order they came; nothing is read while a client's answers pile up or too many of
 * its requests run; a client that half-closes gets its answers, then the connection ends; one that has gone is noticed.
 * Failure: a socket's errors end this connection and concern nobody else.
 */
import type { Socket } from "node:net";
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import {
  type Decoded,
  FrameDecoder,
  IopipeError,
  MAX_FRAME_BYTES,
  parseFrame,
  type Role,
} from "../../protocol/wire/index.ts";
import { createAnswering } from "./answering.ts";
import type { Log } from "./call.ts";
import { type Dispatch, stoppingError } from "./dispatch.ts";
import { createOutbox, PAUSE_BYTES } from "./outbox.ts";
import { createPeer } from "./peer.ts";
import { createRequests } from "./requests.ts";
import { within } from "./within.ts";

/** Frames of one client are worked on this long before the others get their turn. */
const TURN_MS = 10;
/** How long the rest of a refused client's bytes is read and dropped, so that it can read why. */
const LINGER_MS = 1000;
/** How often a client whose stream has ended is looked for, while its last requests run. */
const PROBE_MS = 1000;
const NOTHING = Buffer.alloc(0);
/** How long a client of a stopping daemon has to take its last answers. */
const FAREWELL_MS = 500;

export interface Connection {
  readonly queuedBytes: number;
  /** Those that its client opened or named. */
  readonly knownSessions: ReadonlySet<string>;
  /** Resolves when the socket is closed. */
  readonly closed: Promise<void>;
  /** Answers what runs (reads with ShuttingDown, changes for at most `graceMs`), then ends the connection. */
  finish(graceMs: number): Promise<void>;
}

export interface ConnectionOptions {
  readonly socket: Socket;
  /** Counts connections since the daemon's start. */
  readonly id: number;
  readonly role: Role;
  readonly dispatch: Dispatch;
  readonly log: Log;
}

/** Serves `socket` until it is closed. The socket allows half-open. */
export function serveConnection({ socket, id, role, dispatch, log }: ConnectionOptions): Connection {
  const decoder = new FrameDecoder(MAX_FRAME_BYTES);
  const outbox = createOutbox(socket, () => decoder.framing ?? "lines");
  const requests = createRequests();
  const peer = createPeer(id, role, outbox, log);
  const answering = createAnswering({ peer, requests, outbox, dispatch, log });

  socket.on("error", (error: NodeJS.ErrnoException) => {
    log.debug({ peer: id, code: error.code }, "a connection failed");
  });
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => {
      requests.abortReads(new IopipeError("Cancelled", "The connection was closed."));
      peer.close();
      resolve();
    });
  });

  async function read(): Promise<void> {
    let turnBegan = performance.now();
    for await (const decoded of decode(socket, decoder)) {
      if ("error" in decoded) {
        void hangUp(decoded.error);
        continue;
      }
      while (!requests.hasRoom()) await requests.oneEnded();
      await answering.encoded();
      if (outbox.queuedBytes > PAUSE_BYTES) await outbox.caughtUp();
      if (performance.now() - turnBegan > TURN_MS) {
        await turnOfTheLoop();
        turnBegan = performance.now();
      }
      receive(decoded.frame);
    }
    await untilAnswered();
    socket.end(() => socket.destroy());
  }

  /** A client that has gone looks like one that has half-closed: only a write, though of nothing, tells them apart. */
  async function untilAnswered(): Promise<void> {
    const probe = setInterval(() => {
      if (socket.writable && socket.writableLength === 0) socket.write(NOTHING);
    }, PROBE_MS);
    await answering.idle();
    clearInterval(probe);
  }

  function receive(frame: Buffer): void {
    let message: unknown;
    try {
      message = parseFrame(frame);
    } catch (error) {
      answering.refuse(error as IopipeError);
      return;
    }
    answering.answer(message);
  }

  /** Says why, and lets the rest be read and dropped: closing at once could take the answer from a client that writes. */
  async function hangUp(error: IopipeError): Promise<void> {
    answering.refuse(error);
    requests.abortReads(error);
    await answering.idle();
    socket.end();
    await within(closed, LINGER_MS);
    socket.destroy();
  }

  read().catch((error: NodeJS.ErrnoException) => {
    if (!socket.destroyed) log.error({ peer: id, err: error }, "reading a connection failed");
    socket.destroy();
  });

  return {
    get queuedBytes() {
      return outbox.queuedBytes;
    },
    knownSessions: peer.knownSessions,
    closed,
    async finish(graceMs) {
      requests.abortReads(stoppingError());
      await within(answering.idle(), graceMs);
      socket.end();
      await within(closed, FAREWELL_MS);
      socket.destroy();
      await closed;
    },
  };
}

/** The frames of a socket, then the end of its stream; after an error the rest is read and dropped. */
async function* decode(socket: Socket, decoder: FrameDecoder): AsyncGenerator<Decoded> {
  // Ending the loop must not destroy the socket: a client that has half-closed still waits for answers.
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) yield* decoder.push(chunk);
  yield* decoder.end();
}
