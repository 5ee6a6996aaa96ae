/**
 * Wrapping handlers: what happens before or around many methods, told by what a request names and not by what it does.
 * Owns the shape that every handler has in common; what each wrapping is for is its own file.
 */
import type { MethodName } from "../../../protocol/methods/index.ts";
import type { Call, Handlers } from "../call.ts";

/** What a request may name its workspace by. */
export interface Naming {
  readonly workspace?: string;
  readonly session?: string;
  readonly patch?: string;
  readonly operation?: string;
}

export type AnyHandler = (params: Naming, call: Call) => unknown;

/** `handlers`, each as `wrap` gives it. */
export function wrapAll(
  handlers: Handlers,
  wrap: (handler: AnyHandler, name: MethodName) => AnyHandler,
): Handlers {
  const entries = Object.entries(handlers) as [MethodName, AnyHandler][];
  return Object.fromEntries(
    entries.map(([name, handler]) => [name, wrap(handler, name)]),
  ) as object as Handlers;
}
