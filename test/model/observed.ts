/**
 * Calls that tell when they have changed something: on a port, and on a store's journal.
 * Owns the two lists of what changes anything.
 */
import type { Port } from "../../daemon/disk/index.ts";
import type { Operations, Store } from "../../daemon/store/index.ts";

const CHANGING: readonly (keyof Port)[] = [
  ...([
    "write",
    "chown",
    "chmod",
    "sync",
    "createFile",
    "syncDirectory",
    "link",
    "rename",
    "exchange",
  ] as const),
  ...(["unlink", "symlink", "makeDirectory", "removeDirectory", "setMode"] as const),
];

const RECORDING: readonly (keyof Operations)[] = [
  ...(["begin", "notMade", "decide", "rewritten", "rollBack", "close", "swept"] as const),
];

/** Calls `after` with the call's name when it has returned, in the same turn for a synchronous one. */
function observed<T extends object>(
  target: T,
  names: readonly (keyof T)[],
  after: (name: string) => void,
): T {
  const told = names.map((name) => {
    const call = target[name] as (...args: unknown[]) => unknown;
    const telling = (...args: unknown[]): unknown => {
      const result = call(...args);
      if (result instanceof Promise)
        return result.then((value) => {
          after(String(name));
          return value;
        });
      after(String(name));
      return result;
    };
    return [name, telling] as const;
  });
  return { ...target, ...Object.fromEntries(told) };
}

export function observedPort(port: Port, after: (name: string) => void): Port {
  return observed(port, CHANGING, after);
}

export function observedStore(store: Store, after: (name: string) => void): Store {
  return { ...store, operations: observed(store.operations, RECORDING, after) };
}
