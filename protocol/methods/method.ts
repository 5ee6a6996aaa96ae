/**
 * What a method is: one value with name, role, schemas and errors, from which types, validation, rpc.discover and
 * the reference are all derived. Owns no method; those stand in the files named after their area.
 */
import { z } from "zod";
import type { ErrorKind } from "../wire/errors.ts";
import type { Role } from "../wire/locations.ts";

export interface Method<
  N extends string = string,
  P extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
> {
  readonly name: N;
  /** One sentence, third person, for rpc.discover and the reference. */
  readonly summary: string;
  /** The least role that may call it: what a proposer may, a reviewer may too. */
  readonly role: Role;
  readonly params: P;
  readonly result: R;
  /** Kinds beyond those that any method may answer (the envelope's, ShuttingDown, Cancelled). */
  readonly errors: readonly ErrorKind[];
}

/** Where a path is looked up or written to. */
export const PATH_ERRORS = [
  "PathEscape",
  "PathProtected",
  "NotAFile",
  "NameTooLong",
  "AccessDenied",
] as const satisfies readonly ErrorKind[];

/** Where changes are staged. */
export const STAGE_ERRORS = [
  "SessionNotFound",
  "WorkspaceNotFound",
  ...PATH_ERRORS,
  "HardLinked",
  "FileNotFound",
  "FileExists",
  "MatchNotFound",
  "MatchAmbiguous",
  "PatchMalformed",
  "Stale",
  "Conflict",
  "BlobNotFound",
  "IllegalState",
  "TooLarge",
  "RootGone",
] as const satisfies readonly ErrorKind[];

export interface Notification<N extends string = string, P extends z.ZodType = z.ZodType> {
  readonly name: N;
  readonly summary: string;
  readonly params: P;
}

export function method<N extends string, P extends z.ZodType, R extends z.ZodType>(
  spec: Method<N, P, R>,
): Method<N, P, R> {
  return spec;
}

export function notification<N extends string, P extends z.ZodType>(
  spec: Notification<N, P>,
): Notification<N, P> {
  return spec;
}

/**
 * Params of a method: by name, unknown names refused (a typo must not pass silently).
 *
 * Every method takes `_meta`, which is ignored, and `progressToken`, which asks for `$/progress`.
 */
export function params<S extends z.ZodRawShape>(shape: S) {
  return z.strictObject({ ...shape, ...COMMON_PARAMS });
}

const COMMON_PARAMS = {
  progressToken: z.union([z.string(), z.number()]).optional(),
  _meta: z.unknown().optional(),
};

/** Params of a list: the page's size and where the last page ended. */
export const PAGE = {
  limit: z.int().min(1).max(1000).optional(),
  after: z.string().optional().describe("`next` of the page before."),
};

/** A list's `next`: present where there is more. */
export const NEXT = { next: z.string().optional() };
