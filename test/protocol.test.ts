import { readFileSync } from "node:fs";
import path from "node:path";
import metaSchema from "@open-rpc/meta-schema";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { methods, notifications, openrpc, schemas } from "../protocol/index.ts";
import { reference } from "../protocol/reference.ts";
import { ERRORS } from "../protocol/wire/index.ts";

/** The methods of version 1; none may go, more may come. */
const PROMISED_METHODS = [
  ["initialize", "rpc.discover", "daemon/status", "daemon/stop"],
  ["workspace/open", "workspace/list", "workspace/close"],
  ["session/open", "session/list", "session/get", "session/submit", "session/wait", "session/diff"],
  [
    "session/check",
    "session/apply",
    "session/discard",
    "session/restore",
    "session/rebase",
    "session/decide",
  ],
  ["patch/stage", "patch/get", "patch/list", "patch/apply", "patch/discard"],
  ["file/read", "file/list", "blob/write", "blob/commit", "blob/read"],
  ["operation/list", "operation/get", "operation/diff", "operation/undo", "operation/resolve"],
  ["watch/subscribe", "watch/unsubscribe", "watch/since", "watch/sync"],
  ["events/subscribe", "events/unsubscribe"],
].flat();

const PROMISED_NOTIFICATIONS = ["watch/changes", "events/event", "$/progress", "$/cancelRequest"];

/** What only a reviewer may call. */
const REVIEWERS_METHODS = [
  ["daemon/stop", "daemon/gc", "daemon/examine", "workspace/open", "workspace/close", "workspace/trust"],
  ["workspace/disable", "workspace/enable"],
  ["session/apply", "session/decide", "patch/apply", "operation/undo", "operation/resolve"],
  ["layer/open", "layer/close"],
].flat();

/** The errors of version 1: one name, one number. */
const PROMISED_ERRORS: Record<number, string> = {
  [-32700]: "ParseError",
  [-32600]: "InvalidRequest",
  [-32601]: "MethodNotFound",
  [-32602]: "InvalidParams",
  [-32603]: "InternalError",
  [-32800]: "Cancelled",
  ...numbered(
    1001,
    "WorkspaceNotFound SessionNotFound PatchNotFound OperationNotFound SubscriptionNotFound BlobNotFound",
  ),
  ...numbered(1010, "PathEscape PathProtected NotAFile HardLinked FileNotFound FileExists"),
  ...numbered(1020, "MatchNotFound MatchAmbiguous PatchMalformed"),
  ...numbered(
    1030,
    "Stale Conflict IllegalState DigestMismatch ConfirmationRequired ModifiedSince SyntaxInvalid NotApproved",
  ),
  ...numbered(1038, "NotPermitted"),
  ...numbered(1040, "DiskFull AccessDenied ReadOnly NameTooLong IoFailed"),
  ...numbered(1050, "FrameTooLarge TooLarge Busy Timeout"),
  ...numbered(1060, "WatchLimit RootGone SyncTimeout WatchFailed"),
  ...numbered(1080, "ShuttingDown"),
};

function numbered(from: number, names: string): Record<number, string> {
  return Object.fromEntries(names.split(" ").map((name, index) => [from + index, name]));
}

test("every method and notification that was promised is there", () => {
  expect([...methods.keys()]).toEqual(expect.arrayContaining(PROMISED_METHODS));
  expect([...notifications.keys()]).toEqual(expect.arrayContaining(PROMISED_NOTIFICATIONS));
});

test("exactly the methods that change the tree or the daemon are the reviewer's", () => {
  const reviewers = [...methods.values()].filter(({ role }) => role === "reviewer").map(({ name }) => name);
  expect(reviewers.sort()).toEqual([...REVIEWERS_METHODS].sort());
});

test("errors have the promised numbers, each its own", () => {
  const table = Object.fromEntries(Object.entries(ERRORS).map(([kind, { code }]) => [code, kind]));
  expect(Object.keys(table)).toHaveLength(Object.keys(ERRORS).length);
  expect(table).toMatchObject(PROMISED_ERRORS);
});

/** The meta-schema's words for JSON Schema lie on a server; here any object will do, the next test compiles them. */
const JSON_SCHEMA_STAND_IN = {
  type: ["object", "boolean"],
  definitions: { JSONSchemaObject: { properties: { $ref: { type: "string" } } } },
};

test("the OpenRPC document is one by the meta-schema, and lists every method", () => {
  const { $schema: _, ...schema } = metaSchema as unknown as Record<string, unknown>;
  const validate = new Ajv({ strict: false, validateFormats: false })
    // It is referred to with and without the slash.
    .addSchema(JSON_SCHEMA_STAND_IN, "https://meta.json-schema.tools")
    .addSchema(JSON_SCHEMA_STAND_IN, "https://meta.json-schema.tools/")
    .compile(schema);
  // As it stands on the wire.
  const document = JSON.parse(JSON.stringify(openrpc()));
  expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
  expect(document.openrpc).toBe("1.3.2");
  expect(document.methods.map(({ name }: { name: string }) => name)).toEqual([...methods.keys()]);
  expect(Object.keys(document.components.schemas)).toEqual(Object.keys(schemas));
  expect(validate({ ...document, methods: [{ name: 5 }] })).toBe(false);
});

test("every schema in it is JSON Schema 2020-12", () => {
  const ajv = new Ajv2020({ validateFormats: false, allowUnionTypes: true });
  const { methods: listed, components } = openrpc();
  for (const schema of Object.values(components.schemas)) ajv.compile(schema);
  for (const { params, result } of listed) for (const { schema } of [...params, result]) ajv.compile(schema);
});

test("a method's description has its params by name, its role and its errors with their codes", () => {
  const apply = openrpc().methods.find(({ name }) => name === "session/apply");
  expect(apply?.paramStructure).toBe("by-name");
  expect(apply?.tags).toEqual([{ name: "reviewer", description: expect.any(String) }]);
  expect(apply?.params[0]).toMatchObject({ name: "session", required: true, schema: { type: "string" } });
  expect(apply?.params.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["expectedDigest", "progressToken", "_meta"]),
  );
  expect(apply?.errors).toContainEqual(expect.objectContaining({ code: 1030, message: "Stale" }));
});

test("protocol/README.md is what the schemas say (else: node scripts/reference.ts)", () => {
  const file = path.resolve(import.meta.dirname, "../protocol/README.md");
  expect(readFileSync(file, "utf8")).toBe(reference());
});

test("the reference names every method, notification, value and error", () => {
  const page = reference();
  for (const name of [...methods.keys(), ...notifications.keys()]) expect(page).toContain(`### \`${name}\``);
  for (const name of Object.keys(schemas)) expect(page).toContain(`### ${name}\n`);
  for (const [kind, { code }] of Object.entries(ERRORS))
    expect(page).toMatch(new RegExp(`^\\| ${code} +\\| ${kind} +\\|`, "m"));
});
