/**
 * The OpenRPC document: what rpc.discover answers, made from the same schemas that check the calls.
 * Owns the form only; every fact is the methods' and the error table's.
 * Source: OpenRPC 1.3.2 (spec.open-rpc.org).
 */
import { z } from "zod";
import { methods, schemas } from "./methods/index.ts";
import type { Method } from "./methods/method.ts";
import { ERRORS, type ErrorKind } from "./wire/errors.ts";
import { PROTOCOL_VERSION } from "./wire/limits.ts";

const OPENRPC_VERSION = "1.3.2";

/** Kinds that any method may answer; not repeated in a method's `errors`. */
export const COMMON_ERRORS = [
  "InvalidRequest",
  "InvalidParams",
  "InternalError",
  "Cancelled",
  "ShuttingDown",
  // Of the disk that the daemon's state is on.
  "DiskFull",
  "IoFailed",
  // A file that is being written while it is read, a database that another process holds.
  "Busy",
] as const satisfies readonly ErrorKind[];

type JsonSchema = Record<string, unknown>;

interface ContentDescriptor {
  readonly name: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

export interface OpenRpcMethod {
  readonly [member: string]: unknown;
  readonly name: string;
  readonly summary: string;
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paramStructure: "by-name";
  readonly params: readonly ContentDescriptor[];
  readonly result: ContentDescriptor;
  readonly errors: readonly { readonly code: number; readonly message: string }[];
}

export interface OpenRpc {
  readonly [member: string]: unknown;
  readonly openrpc: string;
  /** The version is the contract's, not the package's. */
  readonly info: Readonly<Record<"title" | "version" | "description", string>> & {
    readonly license: { readonly name: string };
  };
  readonly methods: OpenRpcMethod[];
  readonly components: { readonly schemas: Record<string, JsonSchema> };
}

let document: OpenRpc | undefined;

/** The document, made at the first call (some 20 ms) and kept. */
export function openrpc(): OpenRpc {
  document ??= {
    openrpc: OPENRPC_VERSION,
    info: {
      title: "iopipe",
      version: `${PROTOCOL_VERSION}.0.0`,
      description:
        "Proposed changes to a working tree: staged, shown as diffs, applied all or nothing, taken back.",
      license: { name: "MIT" },
    },
    methods: [...methods.values()].map(describe),
    components: {
      schemas: Object.fromEntries(
        Object.entries(schemas).map(([name, it]) => [name, jsonSchema(it, "output")]),
      ),
    },
  };
  return document;
}

function describe({ name, summary, role, params, result, errors }: Method): OpenRpcMethod {
  const kinds: readonly ErrorKind[] = [...COMMON_ERRORS, ...errors];
  return {
    name,
    summary,
    tags: [{ name: role, description: ROLE_DESCRIPTIONS[role] }],
    paramStructure: "by-name",
    params: descriptors(jsonSchema(params, "input")),
    result: { name: "result", schema: jsonSchema(result, "output") },
    errors: kinds.map((kind) => ({
      code: ERRORS[kind].code,
      message: kind,
      data: { kind, ...advice(kind) },
    })),
  };
}

const ROLE_DESCRIPTIONS = { reviewer: "Reviewers only.", proposer: "Proposers and reviewers." } as const;

function advice(kind: ErrorKind) {
  const { retryable, hint } = ERRORS[kind];
  return { retryable, hint };
}

/** An object schema's members as params; the required ones first, as the specification wants them. */
function descriptors({ properties = {}, required = [] }: JsonSchema): ContentDescriptor[] {
  const names = new Set(required as string[]);
  return Object.entries(properties as Record<string, JsonSchema>)
    .map(([name, schema]) => ({
      name,
      ...(names.has(name) && { required: true }),
      ...(typeof schema.description === "string" && { description: schema.description }),
      schema,
    }))
    .sort((one, other) => Number(other.required ?? false) - Number(one.required ?? false));
}

/** A schema as JSON Schema, without the `$schema` that belongs to a document of its own. */
export function jsonSchema(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
