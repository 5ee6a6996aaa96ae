/**
 * The database's schema as numbered, forward-only steps. `PRAGMA user_version` says how many have run.
 * Invariant: a step that has shipped is never edited; a change is a new step at the end.
 * Steps may use effect_of, which database.ts makes known while they run.
 * Times are ISO 8601 UTC text, images are JSON of the wire's Image, flags are 0 or 1.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

  CREATE TABLE workspace (
    id TEXT PRIMARY KEY,
    root TEXT NOT NULL UNIQUE,
    open INTEGER NOT NULL,
    created_at TEXT NOT NULL
  ) WITHOUT ROWID;

  -- data is NULL where the bytes lie in a file of their own (blobs.ts).
  CREATE TABLE blob (
    hash TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    data BLOB,
    created_at TEXT NOT NULL
  ) WITHOUT ROWID;

  CREATE TABLE session (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    workspace TEXT NOT NULL REFERENCES workspace (id),
    title TEXT NOT NULL,
    agent TEXT,
    key TEXT,
    role TEXT NOT NULL,
    ready INTEGER NOT NULL DEFAULT 0,
    message TEXT,
    seq INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    lease_until TEXT
  );
  CREATE INDEX session_key ON session (workspace, key, role) WHERE key IS NOT NULL;
  CREATE INDEX session_workspace ON session (workspace);

  CREATE TABLE patch (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    session TEXT NOT NULL REFERENCES session (id),
    workspace TEXT NOT NULL,
    path TEXT NOT NULL,
    kind TEXT NOT NULL,
    from_path TEXT,
    state TEXT NOT NULL,
    reason TEXT,
    base TEXT NOT NULL,
    after TEXT NOT NULL,
    added INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    is_binary INTEGER NOT NULL,
    full_replace INTEGER NOT NULL,
    decision TEXT NOT NULL DEFAULT 'undecided',
    note TEXT,
    break_hard_links INTEGER NOT NULL DEFAULT 0,
    operation TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CHECK ((state = 'Discarded') = (reason IS NOT NULL))
  );
  CREATE UNIQUE INDEX patch_one_pending ON patch (session, path) WHERE state = 'Pending';
  CREATE INDEX patch_session ON patch (session, state);
  CREATE INDEX patch_path ON patch (workspace, path, state);
  CREATE INDEX patch_from ON patch (workspace, from_path) WHERE from_path IS NOT NULL;

  -- phase: prepare, commit, rollback, applied, aborted, attention, resolved (promotion/).
  CREATE TABLE operation (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    workspace TEXT NOT NULL REFERENCES workspace (id),
    session TEXT,
    title TEXT,
    agent TEXT,
    by TEXT,
    kind TEXT NOT NULL,
    phase TEXT NOT NULL,
    undoes TEXT,
    digest TEXT,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    made_directories TEXT NOT NULL DEFAULT '[]',
    removed_directories TEXT NOT NULL DEFAULT '[]',
    error TEXT
  );
  CREATE INDEX operation_workspace ON operation (workspace, n);
  CREATE INDEX operation_session ON operation (session) WHERE session IS NOT NULL;
  CREATE INDEX operation_open ON operation (workspace) WHERE phase IN ('prepare', 'commit', 'rollback');

  CREATE TABLE operation_file (
    operation TEXT NOT NULL REFERENCES operation (id),
    n INTEGER NOT NULL,
    path TEXT NOT NULL,
    patch TEXT,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    temporary TEXT,
    backup TEXT,
    temporary_ino TEXT,
    outcome TEXT,
    undone_by TEXT,
    rescued TEXT,
    PRIMARY KEY (operation, n)
  ) WITHOUT ROWID;
  CREATE INDEX operation_file_path ON operation_file (path);

  -- body: what the event carries beside its envelope, as it was when it happened.
  CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    type TEXT NOT NULL,
    workspace TEXT NOT NULL,
    session TEXT,
    by TEXT,
    body TEXT NOT NULL
  );
  CREATE INDEX event_session ON event (session, seq) WHERE session IS NOT NULL;
  `,
  `
  -- What was asked of every row before: who holds a path, who may read a blob, which journals are open.
  CREATE INDEX patch_pending_from ON patch (session, from_path) WHERE state = 'Pending' AND from_path IS NOT NULL;
  CREATE INDEX patch_base_blob ON patch (base ->> 'hash');
  CREATE INDEX patch_after_blob ON patch (after ->> 'hash');
  CREATE INDEX operation_file_ours ON operation_file (operation) WHERE temporary IS NOT NULL OR backup IS NOT NULL;
  `,
  `
  -- Patches live as long as their operation can be undone; of these many, few still want to be settled.
  CREATE INDEX patch_unsettled ON patch (workspace, path, from_path)
    WHERE state = 'Pending' OR (state = 'Discarded' AND reason = 'stale');
  `,
  `
  CREATE INDEX patch_unsettled_from ON patch (workspace, from_path)
    WHERE from_path IS NOT NULL AND (state = 'Pending' OR (state = 'Discarded' AND reason = 'stale'));
  `,
  `
  -- What each patch would do, as a hash (patch-row.ts): else every digest reads all images of its session.
  ALTER TABLE patch ADD COLUMN effect TEXT NOT NULL DEFAULT '';
  UPDATE patch SET effect = effect_of(path, kind, from_path, base, after);

  -- For sessions of thousands of patches, pending or superseded: one file's staging looks at that file's.
  CREATE INDEX patch_pending ON patch (session, path, kind, effect) WHERE state = 'Pending';
  DROP INDEX patch_session;
  CREATE INDEX patch_session ON patch (session, state, reason);
  DROP INDEX patch_from;

  -- For pages, newest first.
  CREATE INDEX patch_state ON patch (workspace, state);

  -- For which sessions are Pending, without a look at all that ever were: those with a patch that is unsettled, and
  -- those without any patch, which no index can find by itself. With what it is about in the index, no row is read.
  DROP INDEX patch_unsettled;
  CREATE INDEX patch_unsettled ON patch (workspace, path, from_path, session, state, reason)
    WHERE state = 'Pending' OR (state = 'Discarded' AND reason = 'stale');
  ALTER TABLE session ADD COLUMN patchless INTEGER NOT NULL DEFAULT 1;
  UPDATE session SET patchless = 0 WHERE id IN (SELECT session FROM patch);
  CREATE INDEX session_patchless ON session (id) WHERE patchless;
  DROP INDEX session_key;
  CREATE TRIGGER patch_first AFTER INSERT ON patch BEGIN
    UPDATE session SET patchless = 0 WHERE id = new.session AND patchless;
  END;
  CREATE TRIGGER patch_last AFTER DELETE ON patch BEGIN
    UPDATE session SET patchless = 1
      WHERE id = old.session AND NOT EXISTS (SELECT 1 FROM patch WHERE session = old.session);
  END;
  `,
  `
  -- Owner, group and extended attributes of a file that goes (operation-row.ts, Kept), as JSON.
  ALTER TABLE operation_file ADD COLUMN kept TEXT;
  `,
  `
  -- From an operation to its undos (operation-sql.ts, family).
  CREATE INDEX operation_undoes ON operation (undoes) WHERE undoes IS NOT NULL;
  `,
  `
  -- What was found out about a patch when it was staged (patch-row.ts, Findings), and what its session is about.
  ALTER TABLE patch ADD COLUMN findings TEXT NOT NULL DEFAULT '{}';
  ALTER TABLE session ADD COLUMN scope TEXT;
  `,
  `
  -- The hash of the policy file that a reviewer trusts.
  ALTER TABLE workspace ADD COLUMN trusted TEXT;
  `,
  `
  -- The workspace's own rules of watching, as JSON.
  ALTER TABLE workspace ADD COLUMN watch_rules TEXT;
  `,
  `
  -- Whether a reviewer has switched the workspace off.
  ALTER TABLE workspace ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- Layers that a command writes into (layers.ts). A row goes when what is in the layer's directory is staged or discarded.
  CREATE TABLE layer (
    session TEXT PRIMARY KEY REFERENCES session (id),
    backend TEXT NOT NULL,
    pid INTEGER NOT NULL,
    process TEXT NOT NULL,
    began_ns TEXT NOT NULL,
    clock TEXT,
    max_bytes INTEGER NOT NULL,
    staged TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  -- What a key stands for, when it is not pending any more (session-sql.ts, newestByKey).
  CREATE INDEX session_by_key ON session (key, workspace, role) WHERE key IS NOT NULL;
  `,
  `
  -- A clock after everything that happened before the layer began; \`clock\` may be before some of that.
  ALTER TABLE layer ADD COLUMN settled_clock TEXT;
  `,
  `
  -- What checks and commands said of a session's staged content (verdicts.ts); name is '' for a command of a reviewer's.
  CREATE TABLE verdict (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    workspace TEXT NOT NULL,
    name TEXT NOT NULL,
    command TEXT NOT NULL,
    outcome TEXT NOT NULL,
    exit_code INTEGER,
    digest TEXT NOT NULL,
    clock TEXT NOT NULL,
    tree_changed INTEGER NOT NULL,
    output TEXT NOT NULL,
    is_cut INTEGER NOT NULL,
    started_at TEXT NOT NULL,
    duration_ms INTEGER NOT NULL,
    by TEXT
  );
  CREATE INDEX verdict_session ON verdict (session);
  CREATE INDEX verdict_standing ON verdict (workspace) WHERE NOT tree_changed;
  `,
  `
  -- Why what a layer holds could not be staged when its command had ended.
  ALTER TABLE layer ADD COLUMN problem TEXT;
  `,
  `
  -- Whether it stands until somebody says what becomes of it.
  ALTER TABLE layer ADD COLUMN is_left INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- For which sessions are Pending: the next one by one seek, however many patches each has.
  CREATE INDEX patch_unsettled_session ON patch (session)
    WHERE state = 'Pending' OR (state = 'Discarded' AND reason = 'stale');
  `,
  `
  -- When its owner last said that it is ready: what was rejected after that, the owner has not answered yet.
  ALTER TABLE session ADD COLUMN submitted_at TEXT;
  `,
];
