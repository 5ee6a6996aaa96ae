/**
 * `npm start`: iopipe's main job on real files, in under a minute. An agent's change of eight files is staged, shown,
 * applied and watched; a person edits one of the files; undo refuses to overwrite that edit, and takes back the rest.
 * Exits 0 only when every step was verified on disk. Everything happens in a temporary directory, with a daemon of its
 * own, and is gone afterwards.
 */
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, connect, type FileChanges, isKind, type SessionHandle } from "../client/index.ts";
import { EDITED_BY_HAND, isApplied, proposal } from "./demo/agent.ts";
import { heading, note, say, showDiff, table, timed, verified } from "./demo/report.ts";
import { git, makeRepository } from "./demo/repository.ts";

const directory = realpathSync(mkdtempSync(join(tmpdir(), "iopipe-demo-")));
const root = join(directory, "repository");

try {
  await demo();
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function demo(): Promise<void> {
  heading("A git repository of real source files");
  const files = await timed("make the repository", async () => makeRepository(root));
  say(`  ${files} files in ${root}`);

  heading("A daemon in a directory of its own");
  const env = { ...process.env, IOPIPE_STATE_DIR: join(directory, "state"), IOPIPE_RUNTIME_DIR: "" };
  const connection = await timed("start the daemon", () =>
    connect({ env, role: "reviewer", client: { name: "demo" } }),
  );
  try {
    await follow(connection);
  } finally {
    await connection.call("daemon/stop", {});
    connection.close();
  }
  table();
}

async function follow(connection: Connection): Promise<void> {
  const { workspace } = await connection.call("workspace/open", { root });
  await timed(`crawl ${root.split("/").at(-1)}`, () =>
    connection.call("watch/sync", { workspace: workspace.id }),
  );
  const session = await stageAsAnAgent(connection, workspace.id);
  const digest = await showWhatWouldChange(session);
  const operation = await applyAndWatch(connection, workspace.id, session, digest);
  await noticeAnEditor(connection, workspace.id);
  await undoAroundAnEdit(connection, operation);
}

async function stageAsAnAgent(connection: Connection, workspace: string): Promise<SessionHandle> {
  heading("An agent stages a change of eight files");
  const session = await connection.openSession({
    workspace,
    title: "Mark what was reviewed",
    agent: "demo-agent",
  });
  const staged = await timed("stage 8 changes", () => session.stage(proposal(root)));
  assert.equal(staged.patches.length, 8);
  assert.equal(git(root, "status", "--porcelain"), "");
  verified("8 patches are pending, and git sees no change under the root");
  return session;
}

async function showWhatWouldChange(session: SessionHandle): Promise<string> {
  heading("What would change");
  const { diff, digest } = await timed("diff them", () => session.diff({ context: 1 }));
  showDiff(diff);
  const check = await timed("dry run", () => session.check());
  assert.deepEqual(check.problems, []);
  assert.ok(digest);
  verified(`the dry run has no problem; the digest is ${digest.slice(0, 12)}…`);
  return digest;
}

async function applyAndWatch(
  connection: Connection,
  workspace: string,
  session: SessionHandle,
  digest: string,
): Promise<string> {
  heading("Somebody approves: all eight, or none");
  const changes = connection.changes(workspace);
  const batches = changes[Symbol.asyncIterator]();
  const first = batches.next();
  const began = performance.now();
  const { operation } = await timed("apply 8 changes", () => session.apply(digest));
  for (const [path, applied] of Object.entries(isApplied(root))) assert.ok(applied, path);
  verified(`operation ${operation.id} is ${operation.state}: every path is on disk as proposed`);

  heading("What the watcher says of it");
  const seen = new Set<string>();
  for (let batch = await first; seen.size < operation.files.length; batch = await batches.next()) {
    const latency = performance.now() - began;
    for (const { path, kind, priority, origin } of (batch.value as FileChanges).changes) {
      seen.add(path);
      say(
        `  ${latency.toFixed(1).padStart(7)} ms  ${priority.padEnd(4)}  ${origin}  ${kind.padEnd(8)}  ${path}`,
      );
    }
  }
  await batches.return?.();
  return operation.id;
}

async function noticeAnEditor(connection: Connection, workspace: string): Promise<void> {
  heading("An editor saves a file; the watcher notices");
  const batches = connection.changes(workspace)[Symbol.asyncIterator]();
  const next = batches.next();
  // The stream begins "now": the subscription must stand before the editor saves.
  await connection.call("watch/sync", { workspace });
  const began = performance.now();
  writeFileSync(join(root, "notes.txt"), "written by hand\n");
  const batch = (await next).value as FileChanges;
  const latency = performance.now() - began;
  assert.deepEqual(
    batch.changes.map(({ path, origin }) => [path, origin]),
    [["notes.txt", "external"]],
  );
  note("notice an external change", latency);
  verified(`notes.txt was reported after ${latency.toFixed(1)} ms`);
  await batches.return?.();
}

async function undoAroundAnEdit(connection: Connection, operation: string): Promise<void> {
  heading(`A person edits ${EDITED_BY_HAND}; then the change is to be undone`);
  const edited = join(root, EDITED_BY_HAND);
  appendFileSync(edited, "// typed by hand since\n");
  const byHand = readFileSync(edited, "utf8");
  const refusal = await timed("undo, refused", () =>
    connection.call("operation/undo", { operation }).then(
      () => assert.fail("the undo overwrote a later edit"),
      (error: unknown) => error,
    ),
  );
  assert.ok(isKind(refusal, "ModifiedSince"), String(refusal));
  say(`  refused: ${refusal.message}`);
  say(`  offered: ${refusal.data.hint}`);
  assert.equal(readFileSync(edited, "utf8"), byHand);
  assert.ok(Object.values(isApplied(root)).every(Boolean));
  verified("nothing was touched");

  heading("Undo of the rest");
  const undo = await timed("undo 7 changes", () =>
    connection.call("operation/undo", { operation, onModified: "skip" }),
  );
  assert.deepEqual(
    undo.skipped.map(({ path }) => path),
    [EDITED_BY_HAND],
  );
  assert.equal(readFileSync(edited, "utf8"), byHand);
  assert.equal(git(root, "status", "--porcelain"), ` M ${EDITED_BY_HAND}\n?? notes.txt\n`);
  verified(`git sees only what was typed by hand: ${EDITED_BY_HAND} and notes.txt`);
}
