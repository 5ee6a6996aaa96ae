/**
 * What a person is told of answers that a daemon gives seldom: attention, conflicts, a restart, a proposal by an agent.
 * The real command line on the real transport; what the daemon answers is the test's.
 */
import { mkdirSync, realpathSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { Handlers } from "../daemon/rpc/call.ts";
import type { Operation, Patch, Session } from "../protocol/methods/index.ts";
import { IopipeError } from "../protocol/wire/index.ts";
import { runInProcess } from "./fixture/in-process.ts";
import { startTestServer } from "./fixture/server.ts";

const AT = "2026-01-02T03:04:05.678Z";
const file = { exists: true, type: "file" as const, hash: "0".repeat(64), size: 1, mode: 0o644 };

const session = (extra: Partial<Session> = {}): Session => ({
  ...{ id: "s0123456789abcdef", workspace: "w1", title: "", state: "Pending", ready: false },
  ...{ digest: "0".repeat(64), seq: 1, createdAt: AT, updatedAt: AT },
  patches: { pending: 1, stale: 0, applied: 0, discarded: 0 },
  ...extra,
});

const patch = (extra: Partial<Patch> = {}): Patch => ({
  ...{ id: "p0123456789abcdef", session: session().id, path: "a", kind: "update", state: "Pending" },
  ...{ base: file, after: file, added: 1, removed: 2, binary: false, fullReplace: false },
  ...{ decision: "undecided", conflicts: [] },
  ...extra,
});

const operation = (extra: Partial<Operation> = {}): Operation => ({
  ...{ id: "o0123456789abcdef", workspace: "w1", kind: "apply", state: "committed", startedAt: AT },
  files: [{ path: "a", before: file, after: file }],
  ...extra,
});

/** Runs a verb where one session is pending, on a daemon that answers as `handlers` say. */
async function ctl(args: string[], handlers: Partial<Handlers>, one: Session = session()) {
  let root = "";
  await using server = await startTestServer({
    "workspace/list": () => ({
      workspaces: [{ id: "w1", root, watch: { state: "live", warnings: ["a\u001bwarning"] }, clock: "c" }],
    }),
    "workspace/policy": () => ({}),
    "session/list": () => ({ sessions: [one] }),
    "session/get": () => ({ session: one, patches: [patch()] }),
    ...handlers,
  });
  root = path.join(realpathSync(server.home.directory), "repo");
  mkdirSync(root);
  return await runInProcess(server.home, args, { cwd: root });
}

test("rebase names what was merged and what collides: exit 3", async () => {
  const result = { session: session(), merged: ["m"], conflicted: [] };
  const merged = await ctl(["rebase", "a"], { "session/rebase": () => result });
  expect(merged).toMatchObject({ code: 0, stdout: "merged    m\n" });
  const hash = "0".repeat(64);
  const at = { start: 3, end: 3 };
  const conflicted = [
    {
      path: "c",
      base: hash,
      ours: hash,
      theirs: hash,
      reason: "overlap" as const,
      regions: [{ base: at, ours: at, theirs: at }],
    },
  ];
  const collides = await ctl(["rebase"], { "session/rebase": () => ({ ...result, merged: [], conflicted }) });
  expect(collides).toMatchObject({
    code: 3,
    stdout: "conflict  c: the same or neighbouring lines were changed (line 3)\n",
  });
  expect(collides.stderr).toContain("iopipectl edit PATH");
  const nothing = await ctl(["rebase"], { "session/rebase": () => ({ ...result, merged: [] }) });
  expect(nothing).toMatchObject({ code: 0, stdout: "Nothing was stale.\n" });
});

test("an apply that needs attention exits 7 and says of which files, and what to do then", async () => {
  const files = [
    { path: "a", before: file, after: file, outcome: "foreign" as const },
    { path: "b", before: file, after: file },
  ];
  const { code, stdout, stderr } = await ctl(["apply", "--yes"], {
    "session/apply": () => ({
      operation: operation({ state: "needsAttention", files }),
      ...{ session: session(), applied: [], skipped: [] },
    }),
  });
  expect(code).toBe(7);
  expect(stdout).toContain(
    "needs attention.\n  a: foreign: neither, somebody has edited it; it was left as it is\n  b: unknown\n",
  );
  expect(stderr).toContain("operation/resolve");
});

test("an undo that needs attention exits 7; one that is staged names its session", async () => {
  const answers = {
    "operation/list": () => ({ operations: [operation({ state: "rolledBack" }), operation()] }),
    "operation/undo": () => ({
      operation: operation({ kind: "undo", state: "needsAttention" }),
      reverted: ["a"],
      skipped: ["modified", "undone", "rename", "an\u001bother"].map((reason, at) => ({
        path: `b${at}`,
        reason,
      })),
    }),
  } satisfies Partial<Handlers>;
  const attention = await ctl(["undo", "--yes"], answers);
  expect(attention.code).toBe(7);
  expect(attention.stdout.split("\n").slice(0, 5)).toEqual([
    "reverted a",
    "left b0: modified since",
    "left b1: undone already",
    "left b2: the other path of its rename was modified",
    "left b3: an\\x1bother",
  ]);
  expect(attention.stdout).toMatch(/\nOperation \w+ needs attention/);
  const staged = await ctl(["undo", "--stage"], {
    ...answers,
    "operation/undo": () => ({ session: session(), reverted: [], skipped: [] }),
  });
  expect(staged.stderr).toContain("Staged as session s0123456789abcdef");
  const unknown = await ctl(["undo", "o99999999", "--yes"], answers);
  expect(unknown).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("There is no operation o99999999"),
  });
  const several = await ctl(["undo", "o", "--yes"], answers);
  expect(several).toMatchObject({ code: 2, stderr: expect.stringContaining("2 operations begin with o") });
});

test("sessions and patches are told with author, message, way and reason, all of it visible", async () => {
  const agents = session({ agent: "a\u202eb", message: "look", ready: true, title: "T" });
  const patches = [
    patch({ kind: "rename", from: "old", path: "new", decision: "approved", note: "good" }),
    patch({ state: "Discarded", reason: "stale", binary: true }),
  ];
  const shown = await ctl(["show", agents.id], { "session/get": () => ({ session: agents, patches }) });
  expect(shown.stdout).toContain("ready  1 pending  T (a\\u202eb): look");
  expect(shown.stdout).toContain("rename  old → new  +1 −2  Pending approved: good");
  expect(shown.stdout).toContain("update  a  binary  Discarded (stale)");
  const status = await ctl([], {}, agents);
  expect(status.stdout).toContain("Next: iopipectl review\n");
  expect(status.stderr).toBe("a\\x1bwarning\n");
});

test("with stale patches the next step is a rebase of the session, a named one where there are several", async () => {
  const stale = session({ patches: { pending: 0, stale: 1, applied: 0, discarded: 0 } });
  const { stdout } = await ctl(["status"], { "session/list": () => ({ sessions: [stale, session()] }) });
  expect(stdout).toContain("Next: iopipectl rebase --session s012345678 merges what is stale,");
  expect(stdout).toContain("or iopipectl discard PATH --session s012345678\n");
});

test("the log names what was undone and by whom it was proposed", async () => {
  const undo = operation({ kind: "undo", undoes: "oabcdefabcdef", agent: "an agent", title: "T" });
  const { stdout } = await ctl(["log"], { "operation/list": () => ({ operations: [undo] }) });
  expect(stdout).toContain("2026-01-02 03:04:05  undo of oabcdefabc  committed  1 file  T (an agent)");
});

test("show of an operation says what became of each file, and until when it can be undone", async () => {
  const files = [
    { path: "a", before: file, after: file, outcome: "after" as const, undoneBy: "o2", rescued: file.hash },
  ];
  const one = operation({ files, undoableUntil: AT });
  const status = { path: "a", from: "b", status: "rename", added: 0, removed: 0 } as const;
  const { stdout } = await ctl(["show", one.id], {
    "operation/get": () => ({ operation: one }),
    "operation/diff": () => ({
      diff: "",
      files: [{ ...status, binary: true, fullReplace: false, coarse: false }],
    }),
  });
  expect(stdout).toContain(`can be undone until ${AT}`);
  expect(stdout).toContain(
    "a: after, changed as proposed\n  a: undone by o2\n  a: a late edit is kept as blob 000",
  );
  expect(stdout).toMatch(/rename {2}b → a {2}binary/);
});

test("show takes the beginning of an id, and says when several begin so or none does", async () => {
  const lists: Partial<Handlers> = {
    "patch/list": () => ({ patches: [patch({ id: "pabc1" }), patch({ id: "pabd2" })] }),
    "patch/get": ({ patch: id }) => {
      if (id !== "pabc1") throw new IopipeError("PatchNotFound", `There is no patch ${id}.`);
      return { patch: patch({ id, state: "Applied" }) };
    },
  };
  expect(await ctl(["show", "pabc"], lists)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^pabc1/),
  });
  expect(await ctl(["show", "pab"], lists)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/2 ids begin with pab/),
  });
  expect(await ctl(["show", "pzz"], lists)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/There is no patch pzz/),
  });
  expect(await ctl(["show", "x1"], lists)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/x1 is no id/),
  });
});

test("check names each problem, and exits as the apply would", async () => {
  const problem = { kind: "DiskFull", hint: "Free space." };
  const { code, stdout } = await ctl(["check"], {
    "session/check": () => ({
      wouldApply: false,
      order: [],
      problems: [problem, { kind: "Stale", path: "a" }],
    }),
  });
  expect({ code, stdout }).toEqual({
    code: 1,
    stdout: expect.stringMatching(/^DiskFull {2}Free space\.\nStale: a {2}Merge it .*\nWould not apply\.\n$/),
  });
});

test("wait without a session to wait for, and the time that is over", async () => {
  const none = await ctl(["wait"], { "session/list": () => ({ sessions: [] }) });
  expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("No session is pending here") });
  const over = await ctl(["wait", "--timeout", "1"], {
    "session/wait": () => ({ session: session(), patches: [patch()], seq: 1, timedOut: true }),
  });
  expect(over).toMatchObject({ code: 75, stdout: expect.stringContaining("1 pending  untitled") });
});

test("a session of a workspace that is closed is said to be", async () => {
  const elsewhere = session({ workspace: "w2" });
  const { code, stderr } = await ctl(["diff", "--session", elsewhere.id], {}, elsewhere);
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("is not open") });
});

test("ls PATH asks for every page", async () => {
  const entry = (name: string) => ({ path: name, type: "directory" as const, origin: "staged" as const });
  const { stdout } = await ctl(["ls", "."], {
    "file/list": ({ after }) =>
      after === undefined ? { entries: [entry("d")], next: "d" } : { entries: [entry("e")] },
  });
  expect(stdout).toBe("d/  (staged)\ne/  (staged)\n");
});

test("a file that is too large to be held whole is refused at its first piece", async () => {
  const image = { ...file, size: 2 ** 31 };
  const { code, stderr } = await ctl(["cat", "a"], {
    "file/read": () => ({ content: "", encoding: "base64", image, origin: "disk" }),
  });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr:
      "iopipectl: a has 2147483648 bytes; at most 2147483647 are read at once.\nRead it in pieces: `iopipectl rpc file/read` takes offset and length.\n",
  });
});

test("gc tells how many of each kind went, in words", async () => {
  const limits = { undoMs: 1, undoBytes: 1, discardedMs: 1, orphanedMs: 1, eventsMs: 0, unnamedMs: 1 };
  const totals = { patch: { count: 2, bytes: 0 }, session: { count: 1, bytes: 0 } };
  const { stdout } = await ctl(["gc"], { "daemon/gc": () => ({ items: [], totals, limits }) });
  expect(stdout).toBe(
    "… and 2 patches more, 1 session more\nCleared 2 patches, 1 session: 0 B of content.\n",
  );
});
