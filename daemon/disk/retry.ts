/**
 * Trying again: only what the operating system calls busy or out of descriptors, at most six times.
 * INVARIANT: `work` must be safe to repeat after a failure, and holds no fsync of a file that it did not create itself:
 * a failed fsync is never repeated on the same file (Linux reports the loss once, then calls the pages clean).
 * Time: milliseconds; 10, 20, 40, 80, 160, each up to half as much again.
 */
import { setTimeout as pause } from "node:timers/promises";
import { isErrno } from "./errors.ts";

const TRIES = 6;
const FIRST_PAUSE_MS = 10;

export async function retrying<T>(work: () => T | Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === TRIES || !isErrno(error, "EBUSY", "EAGAIN", "EMFILE", "ENFILE")) throw error;
    }
    await pause(FIRST_PAUSE_MS * 2 ** (tries - 1) * (1 + Math.random() / 2));
  }
}
