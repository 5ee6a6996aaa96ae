/** A daemon of a script's own, with its state in a directory of the script's; it never outlives the script. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Connection, connect } from "../../client/index.ts";
import { endWithScript } from "./child.ts";

const CHECKOUT = join(import.meta.dirname, "../..");

/** The two forms of `iopiped`: as it is written, and as `npm run build` makes it. */
export const IOPIPED = {
  source: join(CHECKOUT, "daemon/iopiped.ts"),
  built: join(CHECKOUT, "dist/iopiped.js"),
} as const;

export interface Daemon {
  /** The variables by which clients find it. */
  readonly env: NodeJS.ProcessEnv;
  /** The line that it prints when its sockets answer. */
  readonly ready: string;
  readonly connection: Connection;
  /** Asks it to stop and waits for its end. @throws {Error} where that was not a clean one */
  stop(): Promise<void>;
}

/** Starts `program` with its state in `stateDir`, and connects to it as a reviewer called `name`. */
export async function startDaemon(program: string, stateDir: string, name: string): Promise<Daemon> {
  // NODE_EXTRA_CA_CERTS slows down every start of Node, ours and a peer's, by what neither of them needs.
  const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env;
  const env = { ...inherited, IOPIPE_STATE_DIR: stateDir, IOPIPE_RUNTIME_DIR: "", IOPIPE_ROLE: "" };
  const child = spawn(process.execPath, [program], { env, stdio: ["ignore", "pipe", "inherit"] });
  endWithScript(child);
  const exited = once(child, "exit").then(([status]) => status as number | null);
  const ready = await Promise.race([firstLine(child), exited]);
  if (typeof ready !== "string") throw new Error(`${program} ended at its start, with status ${ready}.`);
  const connection = await connect({ env, autostart: false, client: { name } });
  return {
    env,
    ready,
    connection,
    async stop() {
      await connection.call("daemon/stop", {});
      connection.close();
      const status = await exited;
      if (status !== 0) throw new Error(`${program} ended with status ${status}.`);
    },
  };
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (!stdout) throw new Error("The daemon has no stdout.");
  const [line] = await once(stdout.setEncoding("utf8"), "data");
  return String(line).trimEnd();
}
