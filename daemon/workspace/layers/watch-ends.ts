/**
 * Layers whose client has gone without a word: seen by nobody being in them, at the daemon's start, soon after the
 * client's connection has closed, and now and then. Also the directories that a crash left.
 * Owns when; what then happens is the layers' (index.ts).
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { layerPlace, processesIn, removeLayer } from "../../layer/index.ts";

const EVERY_MS = 30_000;

/** With its client a command is killed: waits until that has shown. */
const PAUSES_MS = [10, 20, 50, 100, 200, 500, 1000, 2000];

interface EndsParts {
  /** The sessions that have a layer. */
  readonly layers: () => readonly string[];
  /** Whether the layer has ended. */
  readonly endIfLeft: (session: string) => Promise<boolean>;
  readonly failed: (session: string, error: unknown) => void;
}

export interface Ends {
  /** Looks for the end of one that is expected now. */
  soon(session: string): void;
  stop(): void;
}

export function watchEnds({ layers, endIfLeft, failed }: EndsParts): Ends {
  let stopped = false;
  const look = async (session: string, pauses: readonly number[]): Promise<void> => {
    try {
      for (const pause of pauses) {
        await delay(pause, undefined, { ref: false });
        if (stopped || (await endIfLeft(session))) return;
      }
    } catch (error) {
      if (!stopped) failed(session, error);
    }
  };
  const lookAtAll = (): void => {
    for (const session of layers()) void look(session, [0]);
  };
  setImmediate(lookAtAll);
  const timer = setInterval(lookAtAll, EVERY_MS).unref();
  return {
    soon: (session) => void look(session, PAUSES_MS),
    stop: () => {
      stopped = true;
      clearInterval(timer);
    },
  };
}

/**
 * Removes directories of layers that are no session's, and that nobody is in. Which there are is seen before it returns:
 * one that is made after that is not among them.
 */
export async function removeStrays(stateDir: string, isKnown: (session: string) => boolean): Promise<void> {
  const directory = join(stateDir, "layers");
  const names = existsSync(directory) ? readdirSync(directory) : [];
  for (const name of names)
    if (!isKnown(name) && processesIn(name).length === 0) await removeLayer(layerPlace(stateDir, name));
}
