/**
 * The envelope: what a parsed frame is in JSON-RPC's terms, before anything looks at its method.
 * Owns the shape of requests, notifications and batches. Methods, roles and params are dispatch.ts.
 * INVARIANT: only what passed here reaches json-rpc-2.0 (a bare `null` would crash the process there).
 * Source: JSON-RPC 2.0, sections 4 to 6.
 */
import { IopipeError, MAX_BATCH } from "../../protocol/wire/index.ts";

export type Id = string | number | null;

/** A checked request; without `id` it is a notification, which never gets an answer. */
export interface Request {
  readonly id?: Id;
  readonly method: string;
  readonly params?: object;
}

/** Why a message is no request, and whom to tell: its own id where that can be read, else null. */
interface Refused {
  readonly id: Id;
  readonly refused: IopipeError;
}

/** One member of a frame: a request, why it is none, or nothing to do (an answer; we ask nothing). */
export type Message = Request | Refused | undefined;

/** A frame's messages; those of a batch are answered together, as an array. */
export interface Envelope {
  readonly batch: boolean;
  readonly messages: readonly Message[];
}

/** Checks a parsed frame. */
export function readEnvelope(value: unknown): Envelope {
  if (!Array.isArray(value)) return { batch: false, messages: [readMessage(value)] };
  if (value.length === 0) return noBatch(invalid("The batch is empty."));
  if (value.length > MAX_BATCH) {
    const fact = `A batch of ${value.length} messages passes the limit of ${MAX_BATCH}.`;
    return noBatch(invalid(fact, { limit: MAX_BATCH, hint: "Send smaller batches." }));
  }
  return { batch: true, messages: value.map(readMessage) };
}

/** JSON-RPC answers what is no batch at all with one object, not with an array. */
function noBatch(refused: IopipeError): Envelope {
  return { batch: false, messages: [{ id: null, refused }] };
}

function readMessage(value: unknown): Message {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { id: null, refused: invalid("The message is no object.") };
  const { id, method, params } = value as Record<string, unknown>;
  // Answering an answer could go on for ever between two ends that both do.
  if (isAnswer(value) && method === undefined) return undefined;
  const fault = faultIn(value as Record<string, unknown>);
  // Whoever asked waits for its own id: told of null, it would wait for ever.
  if (fault !== undefined) return { id: isId(id) ? id : null, refused: invalid(fault) };
  return {
    method: method as string,
    ...(id === undefined ? {} : { id: id as Id }),
    // Emacs' jsonrpc.el says "no params" with null.
    ...(params === undefined || params === null ? {} : { params: params as object }),
  };
}

function isAnswer(message: object): boolean {
  return "result" in message || "error" in message;
}

/** What makes a message no request; undefined for one that is. */
function faultIn(message: Record<string, unknown>): string | undefined {
  const { jsonrpc, id, method, params } = message;
  if (jsonrpc !== "2.0") return 'The member "jsonrpc" is not "2.0".';
  if (typeof method !== "string") return 'The member "method" is no string.';
  if (isAnswer(message)) return 'A message with "method" has no "result" and no "error".';
  if (id !== undefined && !isId(id)) return 'The member "id" is no string and no exact number.';
  if (params !== undefined && typeof params !== "object") return 'The member "params" is no object.';
  return undefined;
}

/** An integer beyond 2^53 would come back as another one. */
function isId(id: unknown): id is Id {
  if (typeof id === "number") return Number.isInteger(id) ? Number.isSafeInteger(id) : Number.isFinite(id);
  return typeof id === "string" || id === null;
}

function invalid(fact: string, extra: Record<string, unknown> = {}): IopipeError {
  return new IopipeError("InvalidRequest", fact, extra);
}
