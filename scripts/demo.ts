/**
 * `npm start`: iopipe's main job on real files, in under a minute. An agent's change of eight files is staged, shown,
 * applied and watched; a person edits one of the files; undo refuses to overwrite that edit, and takes back the rest.
 * Exits 0 only when every step was verified. Everything happens in a temporary directory with a daemon of its own,
 * and both are gone afterwards, however it ends.
 */
import assert from "node:assert/strict";
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Connection, isKind, type SessionHandle } from "../client/index.ts";
import { EDITED_BY_HAND, isApplied, PATHS, proposal } from "./demo/agent.ts";
import { type Change, type Observer, observe } from "./demo/observe.ts";
import { heading, ms, note, say, showDiff, table, timed, verified } from "./demo/report.ts";
import { gitStatus, makeRepository } from "./demo/repository.ts";
import { IOPIPED, startDaemon } from "./scratch/daemon.ts";
import { makeDirectory } from "./scratch/directory.ts";

/** Far above what it takes; something hangs then. */
const LIMIT_MS = 60_000;

setTimeout(() => {
  process.stderr.write(`demo: not done after ${LIMIT_MS / 1000} s\n`);
  process.exit(1);
}, LIMIT_MS).unref();

const directory = makeDirectory();
const root = join(directory, "repository");
await demo();

async function demo(): Promise<void> {
  heading("A git repository of real source files");
  const files = await timed("make the repository", () => makeRepository(root));
  assert.ok(files >= 200, `${files} files`);
  say(`  ${files} files of this project and its dependencies, committed in ${root}`);

  heading("A daemon in a directory of its own");
  const daemon = await timed("start the daemon", () =>
    startDaemon(IOPIPED.source, join(directory, "state"), "demo"),
  );
  say(`  ${daemon.ready}`);
  await follow(daemon.connection);
  await daemon.stop();
  table();
}

async function follow(connection: Connection): Promise<void> {
  const { workspace } = await connection.call("workspace/open", { root });
  await timed("read the tree for the first time", () =>
    connection.call("watch/sync", { workspace: workspace.id }),
  );
  const session = await stageAsAnAgent(connection, workspace.id);
  const digest = await showWhatWouldChange(session);
  const observer = await observe(connection, workspace.id);
  const operation = await applyAndWatch(session, digest, observer);
  await watchAnEditor(observer);
  await observer.close();
  await undoAroundAnEdit(connection, operation);
}

async function stageAsAnAgent(connection: Connection, workspace: string): Promise<SessionHandle> {
  heading("An agent stages a change of eight files");
  const title = "Mark what was reviewed";
  const session = await connection.openSession({ workspace, title, agent: "demo-agent" });
  const staged = await timed("stage 8 changes", () => session.stage(proposal(root)));
  assert.equal(staged.patches.length, 8);
  assert.equal(await gitStatus(root), "");
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
  verified(`the dry run has no problem; what was shown has the digest ${digest.slice(0, 12)}…`);
  return digest;
}

async function applyAndWatch(session: SessionHandle, digest: string, observer: Observer): Promise<string> {
  heading("Somebody approves that digest: all eight, or none");
  const began = performance.now();
  const [{ operation }, arrivals] = await Promise.all([
    timed("apply 8 changes", () => session.apply(digest)),
    observer.until(PATHS),
  ]);
  for (const [path, applied] of Object.entries(isApplied(root))) assert.ok(applied, path);
  verified(`operation ${operation.id} is ${operation.state}: every path is on disk as proposed`);

  heading("What the watcher said meanwhile, counted from the beginning of the apply");
  for (const { change, atMs } of arrivals) say(`  ${ms(atMs - began)}  ${inWords(change)}`);
  assert.deepEqual(arrivals.map(({ change }) => change.path).toSorted(), PATHS.toSorted());
  for (const { change } of arrivals) assert.equal(change.operation, operation.id, change.path);
  verified("all nine paths were reported once, as this operation's own");
  return operation.id;
}

async function watchAnEditor(observer: Observer): Promise<void> {
  heading("An editor makes a file, saves it again and deletes it; how soon the watcher says so");
  const name = "notes.txt";
  const path = join(root, name);
  writeFileSync(join(directory, name), "written by hand\n");
  // Each is one change: made in the tree itself, a file can be seen empty and then filled.
  const steps = {
    created: () => renameSync(join(directory, name), path),
    modified: () => appendFileSync(path, "and once more\n"),
    deleted: () => rmSync(path),
  };
  for (const [kind, step] of Object.entries(steps)) {
    const began = performance.now();
    step();
    const [arrival] = await observer.until([name]);
    assert.ok(arrival);
    const { change } = arrival;
    assert.deepEqual([change.path, change.kind, change.origin], [name, kind, "external"]);
    say(`  ${ms(arrival.atMs - began)}  ${inWords(change)}`);
    note(`hear of a file ${kind} by hand`, arrival.atMs - began);
  }
  verified("three changes, and none of them is iopipe's");
}

async function undoAroundAnEdit(connection: Connection, operation: string): Promise<void> {
  heading(`A person edits ${EDITED_BY_HAND}; then the operation is to be undone`);
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
  assert.equal(readFileSync(edited, "utf8"), byHand);
  assert.ok(Object.values(isApplied(root)).every(Boolean));
  verified("nothing was touched");

  const skip = { operation, onModified: "skip" } as const;
  const offer = await connection.call("operation/undo", { ...skip, dryRun: true });
  for (const path of offer.reverted) say(`  offered: take back ${path}`);
  for (const { path, reason } of offer.skipped) say(`  offered: leave ${path} (${reason})`);

  heading("Undo of the rest");
  const undo = await timed("undo 7 changes", () => connection.call("operation/undo", skip));
  assert.deepEqual(undo.reverted.toSorted(), PATHS.filter((path) => path !== EDITED_BY_HAND).toSorted());
  assert.equal(readFileSync(edited, "utf8"), byHand);
  assert.equal(await gitStatus(root), ` M ${EDITED_BY_HAND}\n`);
  verified(`git sees one change under the root: ${EDITED_BY_HAND}, as the person left it`);
}

function inWords({ priority, origin, kind, path }: Change): string {
  return `${priority.padEnd(4)}  ${origin.padEnd(8)}  ${kind.padEnd(8)}  ${path}`;
}
