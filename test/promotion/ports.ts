/**
 * Ports and stores that stop or fail at a chosen call: the seam through which promotion is tortured.
 * A call is any call on the port or the store that a promotion makes; closing descriptors always works, as the kernel
 * closes those of a dead process.
 */
import { openTree, type Port, type Tree } from "../../daemon/disk/index.ts";
import { portOf } from "../../daemon/disk/platform.ts";
import type { Store } from "../../daemon/store/index.ts";

/** The process is dead: nothing after it happens. */
export class Crash extends Error {}

export interface Fault {
  /** Number of the calls made so far. */
  calls: number;
  readonly names: string[];
  /** Decides before each call what happens: nothing, or a throw. */
  before(call: number, name: string, args: readonly unknown[]): void;
}

/** Counts, and throws nothing. */
export function counting(): Fault {
  return { calls: 0, names: [], before: () => undefined };
}

/** Dies at call `at` (the first is 1), which is not made, nor is any after it. */
export function crashingAt(at: number): Fault {
  return {
    calls: 0,
    names: [],
    before: (call) => {
      if (call >= at) throw new Crash(`at call ${call}`);
    },
  };
}

/** Call `at` fails once. */
export function failingAt(at: number, code: string): Fault {
  return failing((call) => call === at, code);
}

function failing(when: (call: number, name: string) => boolean, code: string): Fault {
  return {
    calls: 0,
    names: [],
    before: (call, name) => {
      if (when(call, name)) throw errno(code, name);
    },
  };
}

export function errno(code: string, syscall = "test"): Error {
  return Object.assign(new Error(`${code}: injected, ${syscall} '/proc/self/fd/9/x'`), {
    code,
    syscall,
    errno: -5,
  });
}

const ALWAYS_WORK = new Set(["close", "closeDirectory"]);

function wrap<T extends object>(target: T, fault: Fault, prefix: string): T {
  return new Proxy(target, {
    get: (object, key) => {
      const value = Reflect.get(object, key) as unknown;
      if (typeof value !== "function" || ALWAYS_WORK.has(prefix + String(key))) return value;
      return (...args: unknown[]) => {
        const name = prefix + String(key);
        fault.names.push(name);
        fault.before(++fault.calls, name, args);
        return value.apply(object, args);
      };
    },
  });
}

/** A tree and a store whose calls count as one sequence. */
export function faulty(
  root: string,
  store: Store,
  fault: Fault,
  port: Port = portOf("linux"),
): { tree: Tree; store: Store } {
  const tree = openTree(root, [], wrap(port, fault, ""));
  return {
    tree,
    store: {
      ...store,
      operations: wrap(store.operations, fault, "operations."),
      blobs: wrap(store.blobs, fault, "blobs."),
    },
  };
}

/** A port with some calls replaced; the originals are given to the replacement. */
export function portWith(replace: (port: Port) => Partial<Port>): Port {
  const port = portOf("linux");
  return { ...port, ...replace(port) };
}

/** Has `around` make each move of one name over another: rename(2), and the exchange that stands for it. */
export function moving(
  port: Port,
  around: (move: () => void, name: string, newName: string) => void,
): Pick<Port, "rename" | "exchange"> {
  return {
    rename: (from, name, to, newName) => around(() => port.rename(from, name, to, newName), name, newName),
    exchange: (from, name, to, newName) => {
      let done = false;
      const move = (): void => {
        done = port.exchange(from, name, to, newName);
      };
      around(move, name, newName);
      return done;
    },
  };
}
