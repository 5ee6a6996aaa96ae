/**
 * The outbox of one connection: frames on their way to a client, and how many of them may pile up.
 * Owns the bounds. Who waits for room is connection.ts (reading) and peer.ts (notifications).
 * INVARIANT: at most one frame of any size plus MAX_QUEUED_BYTES is held for a client that does not read.
 */
import type { Socket } from "node:net";
import { type Framing, frameAround } from "../../protocol/wire/index.ts";

const MiB = 1024 * 1024;

/** Above this no further request is read from the client. */
export const PAUSE_BYTES = 8 * MiB;
/** At or below this the client counts as having caught up. */
const RESUME_BYTES = 1 * MiB;
/** A client that lets more than this pile up behind the frame being sent is cut off. */
const MAX_QUEUED_BYTES = 64 * MiB;

export interface Outbox {
  readonly queuedBytes: number;
  /** Queues one message, as its JSON's bytes; nothing when the client is gone. Cuts off a client that has let too much pile up. */
  send(json: readonly Buffer[]): void;
  /** Resolves when the client has caught up, or is gone. */
  caughtUp(): Promise<void>;
}

export function createOutbox(socket: Socket, framing: () => Framing): Outbox {
  const sizes: number[] = [];
  let queuedBytes = 0;
  let waiting: (() => void)[] = [];

  const release = (): void => {
    if (queuedBytes > RESUME_BYTES && !socket.destroyed) return;
    const resolved = waiting;
    waiting = [];
    for (const resolve of resolved) resolve();
  };
  socket.once("close", release);

  return {
    get queuedBytes() {
      return queuedBytes;
    },
    send(json) {
      if (!socket.writable) return;
      const [head, end] = frameAround(framing(), sizeOf(json));
      const frame = Buffer.concat([Buffer.from(head), ...json, Buffer.from(end)]);
      const behind = queuedBytes - (sizes[0] ?? 0);
      if (sizes.length > 0 && behind + frame.length > MAX_QUEUED_BYTES) {
        socket.destroy();
        return;
      }
      sizes.push(frame.length);
      queuedBytes += frame.length;
      socket.write(frame, () => {
        queuedBytes -= sizes.shift() ?? 0;
        release();
      });
    },
    caughtUp() {
      if (queuedBytes <= RESUME_BYTES || socket.destroyed) return Promise.resolve();
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}

export function sizeOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}
