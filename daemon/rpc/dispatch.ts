/**
 * Dispatch: one checked request to its handler, and the handler's end to an answer.
 * Owns the order of checks: method known → role → not stopping → params → handler. json-rpc-2.0 is the method table
 * behind it and sees only what envelope.ts let through. Which request runs when is connection.ts.
 * Concurrency: a handler starts before `dispatch` returns, so that requests start in the order they came.
 */
import { JSONRPCServer } from "json-rpc-2.0";
import { methods } from "../../protocol/methods/index.ts";
import type { Method } from "../../protocol/methods/method.ts";
import { COMMON_ERRORS } from "../../protocol/openrpc.ts";
import { IopipeError, type WireError } from "../../protocol/wire/index.ts";
import { faultOf } from "../store/faults.ts";
import type { Call, Handlers, Log } from "./call.ts";
import type { Id, Request } from "./envelope.ts";
import { mutates } from "./mutating.ts";
import { checkParams } from "./params.ts";

export interface DispatchOptions {
  readonly handlers: Handlers;
  /** Whether the daemon is stopping and takes no new work. */
  readonly stopping: () => boolean;
  /** Checks every answer against what its method lists, result or error: for tests, it costs as much as the params. */
  readonly checkResults?: boolean | undefined;
}

/** An answer as it stands on the wire. */
export interface Answer {
  readonly jsonrpc: "2.0";
  readonly id: Id;
  readonly result?: unknown;
  readonly error?: WireError;
}

/** Answers `request`; `undefined` for a notification. Never rejects. */
export type Dispatch = (request: Request, call: Call) => Promise<Answer | undefined>;

type AnyHandler = (params: unknown, call: Call) => unknown;

export function createDispatch(options: DispatchOptions): Dispatch {
  // Errors are logged here with the request's id, not by the library on the console.
  const server = new JSONRPCServer<Call>({ errorListener: () => {} });
  server.mapErrorToJSONRPCErrorResponse = (id, error) => ({ jsonrpc: "2.0", id, error: error.toWire() });
  for (const method of methods.values()) {
    server.addMethod(method.name, (params, call) => perform(method, params, call, options));
  }
  return async (request, call) => {
    const { id, method, params } = request;
    if (!server.hasMethod(method)) return id === undefined ? undefined : unknownMethod(id, method);
    // The library tells a notification by its missing id; ours keeps the key away.
    const known = { jsonrpc: "2.0" as const, method, params, ...(id === undefined ? {} : { id }) };
    return ((await server.receive(known, call)) ?? undefined) as Answer | undefined;
  };
}

/** An answer that is an error. */
export function refusal(id: Id, error: IopipeError): Answer {
  return { jsonrpc: "2.0", id, error: error.toWire() };
}

function unknownMethod(id: Id, method: string): Answer {
  const name = JSON.stringify(method.slice(0, 100));
  return refusal(id, new IopipeError("MethodNotFound", `There is no method ${name}.`));
}

/** Runs one request; rejects with nothing but an IopipeError. */
async function perform(
  method: Method,
  params: unknown,
  call: Call,
  options: DispatchOptions,
): Promise<unknown> {
  const began = performance.now();
  const ms = (): number => Math.round(performance.now() - began);
  try {
    admit(method, call, options);
    const checked = checkParams(method, params as object | undefined);
    const handler = options.handlers[method.name as keyof Handlers] as AnyHandler;
    const result = await handler(checked, call);
    if (options.checkResults) checkResult(method, result);
    log(call.log, method, { ms: ms() }, "answered");
    return result;
  } catch (thrown) {
    const known = faultOf(thrown) ?? cancelled(thrown, call.signal);
    const error = known && (!options.checkResults || isListed(method, known)) ? known : defect(thrown);
    if (error.kind === "InternalError") call.log.error({ err: error.cause ?? error }, "a handler failed");
    log(call.log, method, { ms: ms(), kind: error.kind }, "refused");
    throw error;
  }
}

function admit(method: Method, call: Call, options: DispatchOptions): void {
  if (method.role === "reviewer" && call.role === "proposer")
    throw new IopipeError("NotPermitted", `A proposer may not call ${method.name}.`);
  if (options.stopping()) throw stoppingError();
}

/** What every request is told that a stopping daemon does not finish. */
export function stoppingError(): IopipeError {
  return new IopipeError("ShuttingDown", "The daemon is stopping.");
}

/** Node's own functions reject with an AbortError of theirs; the caller is told the signal's reason. */
function cancelled(thrown: unknown, signal: AbortSignal): IopipeError | undefined {
  if (!signal.aborted || !(thrown instanceof Error) || thrown.name !== "AbortError") return undefined;
  return signal.reason instanceof IopipeError ? signal.reason : undefined;
}

function defect(thrown: unknown): IopipeError {
  const error = new IopipeError("InternalError", "The request failed by a defect of iopiped.");
  return Object.assign(error, { cause: thrown });
}

function checkResult(method: Method, result: unknown): void {
  const { error } = method.result.safeParse(result);
  if (error) throw new Error(`${method.name} answered what its schema does not allow: ${error.message}`);
}

function isListed({ errors }: Method, { kind }: IopipeError): boolean {
  return [...COMMON_ERRORS, ...errors].includes(kind);
}

/** Changes are worth a line each; reads only where somebody is looking. */
function log(to: Log, method: Method, fields: object, outcome: string): void {
  if (mutates(method.name)) to.info(fields, outcome);
  else to.debug(fields, outcome);
}
