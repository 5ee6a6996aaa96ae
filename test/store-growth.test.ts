/** What the store is asked stays quick however much it keeps: by its plans, and over the schemas that it came by. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { openStore, type Store } from "../daemon/store/index.ts";
import { MIGRATIONS } from "../daemon/store/migrations.ts";
import { effectOf } from "../daemon/store/patch-row.ts";
import { recordDatabase } from "./fixture/recorded-database.ts";

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "iopipe-store-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

function open(directory: string, ...rest: [Parameters<typeof openStore>[1]] | []): Store {
  const store = openStore(directory, ...rest);
  onTestFinished(() => store.close());
  return store;
}

/** Indexes that hold only what is being worked on, or the few of a kind, may be read from one end to the other. */
const SMALL = /INDEX (operation_file_ours|session_patchless|patch_unsettled)$/;

test("no question looks through all patches, operations, events, sessions or blobs that are kept", () => {
  const recorded = recordDatabase();
  open(makeDirectory(), recorded.open);
  expect(recorded.statements.length).toBeGreaterThan(50);
  const slow = recorded.statements.filter((sql) =>
    recorded
      .planOf(sql)
      .some(
        (step) =>
          /^SCAN (patch|operation|operation_file|event|session|s|blob)\b/.test(step) && !SMALL.test(step),
      ),
  );
  expect(slow).toEqual([]);
});

test("a question about a workspace ends with its page, or goes by what is open", () => {
  const recorded = recordDatabase();
  open(makeDirectory(), recorded.open);
  const ofWorkspace = (step: string) => /^SEARCH \w+ USING (COVERING )?INDEX \w+ \(workspace=\?\)/.test(step);
  const questions = recorded.statements.filter((sql) => sql.startsWith("SELECT"));
  const steps = questions.flatMap((sql) => recorded.planOf(sql).filter(ofWorkspace));
  const indexes = steps.map((step) => step.match(/INDEX (\w+)/)?.[1]);
  expect([...new Set(indexes)].sort()).toEqual(["operation_open", "patch_unsettled", "verdict_standing"]);
});

test("patches and sessions of an older schema have what the newer one derives", () => {
  const directory = makeDirectory();
  const db = new Sqlite(join(directory, "iopipe.db"));
  for (const step of MIGRATIONS.slice(0, 3)) db.exec(step);
  db.pragma(`application_id = ${0x696f7069}`);
  db.pragma("user_version = 3");
  db.exec(`
    INSERT INTO workspace VALUES ('w1', '/root', 1, '2026-01-01T00:00:00.000Z');
    INSERT INTO session (id, workspace, title, role, created_at, updated_at) VALUES
      ('s1', 'w1', 'staged', 'reviewer', '', ''), ('s2', 'w1', 'applied', 'reviewer', '', ''),
      ('s3', 'w1', 'empty', 'reviewer', '', '');
    INSERT INTO patch (id, session, workspace, path, kind, from_path, state, base, after, added, removed, is_binary,
      full_replace, created_at, updated_at) VALUES
      ('p1', 's1', 'w1', 'b', 'rename', 'a', 'Pending', '{"exists":true,"type":"file","hash":"00","size":1,"mode":420}',
       '{"exists":true,"type":"file","hash":"00","size":1,"mode":420}', 0, 0, 0, 0, '', ''),
      ('p2', 's2', 'w1', 'c', 'create', NULL, 'Applied', '{"exists":false}', '{"exists":true,"type":"symlink","target":"b"}',
       1, 0, 0, 0, '', '')`);
  db.close();

  const store = open(directory);
  expect(JSON.parse(store.patches.effects("s1"))).toEqual([effectOf(store.patches.require("p1"))]);
  expect(JSON.parse(store.patches.effects("s2"))).toEqual([]);
  const pending = store.sessions.list({ state: "Pending" }, { limit: 10 });
  expect(pending.map(({ id }) => id)).toEqual(["s3", "s1"]);
  expect(store.sessions.pending()).toBe(2);
});
