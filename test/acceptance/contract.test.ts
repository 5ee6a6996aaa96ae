/**
 * The contract as it is served: every method once with a result that is exactly what its schema says, every error with
 * its number, its hint, and among those that its method names. Source: protocol/methods.
 */
import { linkSync, renameSync, symlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { type MethodName, methods, notifications } from "../../protocol/methods/index.ts";
import { COMMON_ERRORS } from "../../protocol/openrpc.ts";
import { ERRORS, type ErrorKind } from "../../protocol/wire/index.ts";
import type { Message, RawClient } from "../fixture/client.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();

/** The ids and hashes that calls name. */
interface Facts {
  readonly workspace: string;
  readonly root: string;
  /** Has pending patches, of `a.txt` (`patch`) and others. */
  readonly session: string;
  readonly patch: string;
  readonly digest: string;
  /** Of another session, on `b.txt`. */
  readonly operation: string;
  readonly applied: string;
  readonly blob: string;
}

async function prepared(): Promise<{ scene: Scene; facts: Facts }> {
  const scene = await openScene({
    on: stage(),
    files: { "a.txt": "a\nsame\nsame\n", "b.txt": "b\n", "c.txt": "c\n", hard: "hard\n" },
  });
  const { reviewer, workspace, root } = scene;
  linkSync(scene.at("hard"), scene.at("hard2"));
  symlinkSync("..", scene.at("out"));
  const done = await reviewer.openSession({ workspace, title: "done" });
  await done.write("b.txt", "applied\n");
  const { operation, applied } = await done.apply((await done.diff()).digest ?? "");
  const session = await reviewer.openSession({ workspace, title: "pending" });
  const { patches } = await session.stage([
    { kind: "write", path: "a.txt", content: "A\n", note: "why" },
    { kind: "rename", path: "c.txt", to: "d.txt" },
    { kind: "symlink", path: "l", target: "a.txt" },
    { kind: "write", path: "binary", content: Buffer.from([0, 255]) },
  ]);
  const [patch] = patches;
  const facts = {
    ...{ workspace, root, session: session.id, patch: patch?.id ?? "", blob: patch?.after.hash ?? "" },
    digest: (await session.diff()).digest ?? "",
    ...{ operation: operation.id, applied: applied[0] ?? "" },
  };
  return { scene, facts };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** One good call of each method, in an order in which they can all be made. */
const CALLS: Record<MethodName, (facts: Facts, client: RawClient) => object | Promise<object>> = {
  initialize: () => ({ client: { name: "contract", version: "1" }, protocolVersion: 1, capabilities: {} }),
  "rpc.discover": () => ({}),
  "daemon/status": () => ({}),
  "workspace/open": ({ root }) => ({ root }),
  "workspace/list": () => ({ limit: 1 }),
  "workspace/disable": ({ workspace }) => ({ workspace }),
  "workspace/enable": ({ root }) => ({ workspace: root }),
  "workspace/policy": ({ workspace }) => ({ workspace }),
  "workspace/trust": ({ workspace }) => ({ workspace }),
  "session/open": ({ workspace }) => ({ workspace, title: "t", agent: "a", key: "k" }),
  "session/find": ({ workspace }) => ({ workspace, key: "k" }),
  "session/list": ({ root }) => ({ workspace: root, state: "Pending" }),
  "session/get": ({ session }) => ({ session }),
  "session/submit": ({ session }) => ({ session, message: "m" }),
  "session/wait": ({ session }) => ({ session, since: 0, timeoutMs: 1000 }),
  "patch/stage": ({ session }) => ({
    session,
    changes: [{ kind: "edit", path: "b.txt", edits: [{ oldText: "applied", newText: "edited" }] }],
  }),
  "patch/get": ({ patch }) => ({ patch }),
  "patch/list": ({ workspace }) => ({ workspace, path: "a.txt", state: "Pending", limit: 1 }),
  "file/read": ({ session }) => ({ session, path: "binary" }),
  "file/list": ({ session }) => ({ session, recursive: true, limit: 2 }),
  "session/diff": ({ session }) => ({ session, format: "hunks" }),
  "session/check": ({ session }) => ({ session }),
  "session/decide": ({ session, patch }) => ({
    session,
    decisions: [{ patch, decision: "approved", note: "n" }],
  }),
  "session/verify": ({ session }) => ({ session, command: ["true"], progressToken: "verify" }),
  "session/verdicts": ({ session }) => ({ session }),
  "session/discard": ({ session, patch }) => ({ session, patches: [patch] }),
  "session/restore": ({ session }) => ({ session }),
  "session/rebase": ({ session }) => ({ session }),
  "patch/apply": ({ patch }) => ({ patch }),
  "session/apply": async ({ session }, client) => {
    const { result } = await client.request("session/diff", { session });
    return { session, expectedDigest: result.digest, progressToken: "apply" };
  },
  "patch/discard": async ({ workspace }, client) => {
    const { session } = (await client.request("session/open", { workspace })).result;
    const changes = [{ kind: "write", path: "e.txt", content: "e\n" }];
    const { patches } = (await client.request("patch/stage", { session: session.id, changes })).result;
    return { patch: patches[0].id, purge: true };
  },
  "blob/write": () => ({ data: base64("chunk") }),
  "blob/commit": async (_, client) => {
    const { upload } = (await client.request("blob/write", { data: base64("chunk") })).result;
    return { upload };
  },
  "blob/read": ({ blob }) => ({ blob, offset: 0, length: 1 }),
  "operation/list": ({ workspace }) => ({ workspace, limit: 1 }),
  "operation/get": ({ operation }) => ({ operation }),
  "operation/diff": ({ operation }) => ({ operation, against: "disk", format: "hunks" }),
  "operation/undo": ({ operation }) => ({ operation, onModified: "skip", dryRun: true }),
  "operation/resolve": ({ operation }) => ({ operation }),
  "watch/subscribe": ({ workspace }) => ({ workspace, include: ["**"], priorities: ["HIGH", "MED"] }),
  "watch/since": ({ workspace }) => ({ workspace }),
  "watch/sync": ({ workspace }) => ({ workspace, paths: ["a.txt"], timeoutMs: 20_000 }),
  "watch/audit": ({ workspace }) => ({ workspace }),
  "watch/unsubscribe": async ({ workspace }, client) => {
    const { subscription } = (await client.request("watch/subscribe", { workspace })).result;
    return { subscription };
  },
  "events/subscribe": ({ workspace }) => ({ workspace, since: 0 }),
  "events/unsubscribe": async (_, client) => {
    const { subscription } = (await client.request("events/subscribe", {})).result;
    return { subscription };
  },
  "layer/open": ({ workspace }) => ({ workspace, pid: process.pid, title: "run", maxBytes: 1 }),
  "layer/close": async ({ workspace }, client) => {
    const { session } = (await client.request("layer/open", { workspace, pid: process.pid })).result;
    return { session: session.id, discard: true };
  },
  "workspace/close": ({ workspace }) => ({ workspace }),
  "daemon/gc": () => ({ dryRun: true }),
  "daemon/examine": () => ({}),
  "daemon/stop": () => ({}),
};

/** What this version answers IllegalState to, whatever is asked; and resolve, for nothing needs attention here. */
const REFUSED: ReadonlySet<string> = new Set(["operation/resolve"]);

test("every method of the contract answers what its schema says, and nothing more", async () => {
  const { scene, facts } = await prepared();
  const client = await scene.raw("reviewer");
  expect(Object.keys(CALLS).sort()).toEqual([...methods.keys()].sort());
  for (const [name, paramsOf] of Object.entries(CALLS)) {
    // It would end what the other tests of this file use: restart.test.ts calls it.
    if (name === "daemon/stop") continue;
    const answer = await client.request(name, await paramsOf(facts, client));
    if (REFUSED.has(name)) {
      expect(answer.error, name).toMatchObject({ code: 1032, data: { kind: "IllegalState" } });
      continue;
    }
    const checked = methods.get(name)?.result.safeParse(answer.result);
    expect(checked?.error, `${name} ${JSON.stringify(answer.error)}`).toBeUndefined();
    // A field that no schema has would be a promise that nobody made.
    expect(checked?.data, name).toEqual(answer.result);
  }
  const told: Message[] = [];
  const wanted = new Set(["watch/changes", "events/event", "$/progress"]);
  scene.write("told.txt", "told\n");
  await client.request("workspace/open", { root: scene.root });
  await client.request("watch/subscribe", { workspace: facts.workspace, since: "unknown" });
  scene.write("told again.txt", "told\n");
  while (wanted.size > 0) {
    const message = await client.next();
    told.push(message);
    wanted.delete(message.method);
  }
  for (const { method, params } of told) {
    const checked = notifications.get(method)?.params.safeParse(params);
    expect(checked?.error, method).toBeUndefined();
    expect(checked?.data, method).toEqual(params);
  }
});

/** How each kind of error is met: a method, its params, the kind. */
const MET: [ErrorKind, MethodName, (facts: Facts, scene: Scene) => object][] = [
  ["WorkspaceNotFound", "session/open", () => ({ workspace: "w0" })],
  ["WorkspaceNotFound", "workspace/close", () => ({ workspace: "w0" })],
  ["WorkspaceNotFound", "watch/subscribe", () => ({ workspace: "w0" })],
  ["WorkspaceNotFound", "events/subscribe", () => ({ workspace: "w0" })],
  ["WorkspaceNotFound", "operation/list", () => ({ workspace: "w0" })],
  ...(["get", "submit", "wait", "diff", "check", "discard", "restore", "rebase"] as const).map(
    (verb): (typeof MET)[number] => ["SessionNotFound", `session/${verb}`, () => ({ session: "s0" })],
  ),
  ["SessionNotFound", "session/apply", ({ digest }) => ({ session: "s0", expectedDigest: digest })],
  ["SessionNotFound", "file/read", () => ({ session: "s0", path: "a" })],
  ["SessionNotFound", "file/list", () => ({ session: "s0" })],
  ["SessionNotFound", "events/subscribe", () => ({ session: "s0" })],
  ["SessionNotFound", "operation/list", ({ workspace }) => ({ workspace, session: "s0" })],
  ["PatchNotFound", "patch/get", () => ({ patch: "p0" })],
  ["PatchNotFound", "patch/apply", () => ({ patch: "p0" })],
  ["PatchNotFound", "patch/discard", () => ({ patch: "p0" })],
  ["PatchNotFound", "session/apply", ({ session, applied }) => ({ session, patches: [applied] })],
  ["PatchNotFound", "session/check", ({ session, applied }) => ({ session, patches: [applied] })],
  ["OperationNotFound", "operation/get", () => ({ operation: "o0" })],
  ["OperationNotFound", "operation/undo", () => ({ operation: "o0" })],
  ["OperationNotFound", "operation/diff", () => ({ operation: "o0" })],
  ["OperationNotFound", "operation/resolve", () => ({ operation: "o0" })],
  ["SubscriptionNotFound", "watch/unsubscribe", () => ({ subscription: "w0" })],
  ["SubscriptionNotFound", "events/unsubscribe", () => ({ subscription: "e0" })],
  ["BlobNotFound", "blob/read", () => ({ blob: "0".repeat(64) })],
  ["BlobNotFound", "blob/commit", () => ({ upload: "u0" })],
  ["BlobNotFound", "patch/stage", staging({ kind: "write", path: "n", blob: "0".repeat(64) })],
  ["PathEscape", "patch/stage", staging({ kind: "write", path: "../n", content: "" })],
  ["PathEscape", "file/list", ({ session }) => ({ session, path: "out" })],
  ["PathEscape", "watch/sync", ({ workspace }) => ({ workspace, paths: ["../n"] })],
  ["PathProtected", "file/read", ({ session }) => ({ session, path: ".git/config" })],
  ["PathProtected", "workspace/open", (_, { home }) => ({ root: home.locations.stateDir })],
  ["NotAFile", "patch/stage", staging({ kind: "write", path: "d.txt/x", content: "" })],
  ["NotAFile", "file/list", ({ session }) => ({ session, path: "b.txt" })],
  ["HardLinked", "patch/stage", staging({ kind: "write", path: "hard", content: "" })],
  ["FileNotFound", "file/read", ({ session }) => ({ session, path: "none" })],
  ["FileNotFound", "file/list", ({ session }) => ({ session, path: "none" })],
  ["FileExists", "patch/stage", staging({ kind: "write", path: "b.txt", content: "", createOnly: true })],
  ["MatchNotFound", "patch/stage", staging(edit("b.txt", "none of it"))],
  ["MatchAmbiguous", "patch/stage", staging(edit("b.txt", "p"))],
  ["PatchMalformed", "patch/stage", staging({ kind: "unifiedDiff", text: "no diff" })],
  ["Stale", "patch/stage", staging({ kind: "delete", path: "b.txt", baseHash: "0".repeat(64) })],
  ["PatchMalformed", "patch/stage", staging({ kind: "applyPatch", text: "*** Begin Patch" })],
  ["IllegalState", "operation/resolve", ({ operation }) => ({ operation })],
  ["IllegalState", "operation/undo", ({ operation }) => ({ operation, paths: ["none"] })],
  ["IllegalState", "patch/discard", ({ applied }) => ({ patch: applied })],
  ["DigestMismatch", "session/apply", ({ session }) => ({ session, expectedDigest: "0".repeat(64) })],
  ["NameTooLong", "file/read", ({ session }) => ({ session, path: "n".repeat(256) })],
  ["RootGone", "workspace/open", ({ root }) => ({ root: `${root}/none` })],
  ["RootGone", "workspace/open", ({ root }) => ({ root: `${root}/a.txt` })],
  ["InvalidParams", "workspace/open", () => ({ root: "relative" })],
  ["InvalidParams", "session/get", () => ({ sesion: "s" })],
  ["InvalidParams", "blob/write", () => ({ data: "no base64!" })],
  ["InvalidParams", "session/list", () => ({ limit: 0 })],
];

function staging(change: object) {
  return ({ session }: Facts) => ({ session, changes: [change] });
}

function edit(path: string, oldText: string): object {
  return { kind: "edit", path, edits: [{ oldText, newText: "" }] };
}

function expectError(answer: Message, kind: ErrorKind, method: MethodName | undefined, of: string): void {
  const { code, retryable } = ERRORS[kind];
  expect(answer.error, of).toMatchObject({
    code,
    message: expect.stringMatching(/\S/),
    data: { kind, retryable, hint: expect.stringMatching(/\S.{10}/) },
  });
  if (method !== undefined)
    expect([...COMMON_ERRORS, ...(methods.get(method)?.errors ?? [])], of).toContain(kind);
}

test("every error has its number, kind, retryable and hint, and its method names it", async () => {
  const { scene, facts } = await prepared();
  await using _ = scene;
  const client = await scene.raw("reviewer");
  for (const [kind, method, paramsOf] of MET) {
    const params = paramsOf(facts, scene);
    expectError(await client.request(method, params), kind, method, `${method} ${JSON.stringify(params)}`);
  }
});

test("a refused param is named in the data, by the schema and by what looks closer", async () => {
  const { scene } = await prepared();
  await using _ = scene;
  const client = await scene.raw("reviewer");
  for (const params of [{ root: 1 }, { root: "relative" }, { root: "/nul\0" }])
    expect((await client.request("workspace/open", params)).error.data).toMatchObject({
      kind: "InvalidParams",
      param: "root",
    });
});

test("errors that need a setting: Stale, ModifiedSince, ConfirmationRequired, TooLarge, Conflict, RootGone, Cancelled", async () => {
  const { scene, facts } = await prepared();
  await using _ = scene;
  const { session, digest, operation, workspace } = facts;
  const client = await scene.raw("reviewer");
  const meets = async (kind: ErrorKind, method: MethodName, params: object) =>
    expectError(await client.request(method, params), kind, method, `${kind} ${method}`);

  const { upload } = (await client.request("blob/write", { data: base64("chunk") })).result;
  await meets("Conflict", "blob/commit", { upload, hash: "0".repeat(64) });
  await meets("IllegalState", "blob/write", { upload, offset: 3, data: base64("chunk") });

  const big = await scene.reviewer.openSession({ workspace });
  await big.write("big.txt", `${"x".repeat(99)}\n`.repeat(90_000));
  await meets("ConfirmationRequired", "session/apply", {
    session: big.id,
    expectedDigest: (await big.get()).session.digest,
  });
  await meets("TooLarge", "session/diff", { session: big.id });
  await meets("TooLarge", "file/read", { session: big.id, path: "big.txt" });

  scene.write("b.txt", "edited since\n");
  await meets("ModifiedSince", "operation/undo", { operation });
  scene.write("a.txt", "edited since\n");
  await meets("Stale", "session/apply", { session, expectedDigest: digest });
  await scene.reviewer.session(session).discard();
  await meets("Stale", "session/restore", { session, patches: [facts.patch] });
  await meets("IllegalState", "session/submit", { session });

  client.send({ jsonrpc: "2.0", id: "w", method: "session/wait", params: { session } });
  client.send({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id: "w" } });
  expectError(await client.next(), "Cancelled", "session/wait", "Cancelled");

  renameSync(scene.root, `${scene.root}-away`);
  const changes = [{ kind: "write", path: "n", content: "" }];
  await meets("RootGone", "patch/stage", { session, changes });
  await meets("RootGone", "file/read", { session, path: "b.txt" });
  await meets("RootGone", "operation/undo", { operation });
  renameSync(`${scene.root}-away`, scene.root);
});

test("the envelope's errors have their data too", async () => {
  await using scene = await openScene({ on: stage() });
  const client = await scene.raw("proposer");
  expectError(await client.request("no/such/method"), "MethodNotFound", undefined, "unknown method");
  expectError(await client.request("session/apply"), "NotPermitted", "session/apply", "role");
  client.write("{\n");
  expectError(await client.next(), "ParseError", undefined, "no JSON");
  client.send({ id: 1, method: "daemon/status" });
  expectError(await client.next(), "InvalidRequest", undefined, "no version");
  client.write(`{"jsonrpc":"2.0","id":1,"method":"daemon/status","params":{"_meta":"${"x".repeat(17 << 20)}`);
  expectError(await client.next(), "FrameTooLarge", undefined, "17 MiB");
  await client.closed;
});
