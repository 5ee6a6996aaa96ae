/**
 * The wire without schemas: what a client needs at run time. No zod here, so that no client carries it.
 */
export * from "./base64.ts";
export * from "./errors.ts";
export * from "./framing.ts";
export * from "./limits.ts";
export * from "./locations.ts";
