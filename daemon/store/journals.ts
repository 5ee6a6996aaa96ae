/**
 * What the journal says is not at its end, for whoever examines it (daemon/workspace/examine.ts): operations that are
 * open, that need attention, or whose temporary files may still be there.
 * INVARIANT: reads in pages; works on the tables of any schema since the first.
 */
import type { Database } from "./database.ts";
import type { Phase } from "./operation-row.ts";

export interface Journal {
  readonly operation: string;
  readonly phase: Phase;
  readonly root: string;
  /** Paths of our files below the root while they may exist. */
  readonly names: readonly string[];
}

export interface Root {
  readonly root: string;
  readonly open: boolean;
}

interface Raw {
  n: number;
  id: string;
  phase: Phase;
  root: string;
}

const CLOSED: readonly Phase[] = ["applied", "aborted", "resolved", "cleared"];

/** The next turn of the loop is the caller's: after each page. */
export function* openJournals(db: Database): Generator<Journal[]> {
  const page = db.prepare<[number], Raw>(
    `SELECT o.n, o.id, o.phase, w.root FROM operation o JOIN workspace w ON w.id = o.workspace
     WHERE o.n < ? ORDER BY o.n DESC LIMIT 500`,
  );
  const names = db
    .prepare<[{ operation: string }], string>(
      `SELECT temporary FROM operation_file WHERE operation = @operation AND temporary IS NOT NULL
       UNION ALL SELECT backup FROM operation_file WHERE operation = @operation AND backup IS NOT NULL`,
    )
    .pluck();
  for (let at = Number.MAX_SAFE_INTEGER; ; ) {
    const rows = page.all(at);
    if (rows.length === 0) return;
    at = rows.at(-1)?.n as number;
    const journals = rows.map(({ id: operation, phase, root }) => ({
      ...{ operation, phase, root },
      names: names.all({ operation }),
    }));
    yield journals.filter((one) => one.names.length > 0 || !CLOSED.includes(one.phase));
  }
}

export function rootsOf(db: Database): Root[] {
  const rows = db.prepare<[], { root: string; open: number }>("SELECT root, open FROM workspace").all();
  return rows.map(({ root, open }) => ({ root, open: open === 1 }));
}
