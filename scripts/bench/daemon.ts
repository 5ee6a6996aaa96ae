/** A daemon for a bench: its own state in a temporary directory, started as users start it, gone afterwards. */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, connect } from "../../client/index.ts";

export interface Bench {
  /** Temporary, for the bench's own files. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly connection: Connection;
}

export async function withDaemon<T>(work: (bench: Bench) => Promise<T>): Promise<T> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "iopipe-bench-")));
  const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env;
  const env = {
    ...inherited,
    IOPIPE_STATE_DIR: join(directory, "state"),
    IOPIPE_RUNTIME_DIR: "",
    IOPIPE_ROLE: "",
  };
  const connection = await connect({ env });
  try {
    return await work({ directory, env, connection });
  } finally {
    await connection.call("daemon/stop", {});
    connection.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
