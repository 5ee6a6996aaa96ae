/**
 * `iopipectl mcp`: an MCP server on stdio through which an agent proposes changes, on the proposer's socket.
 * A process's part of its own (started by path, imported by nobody), for it alone carries the MCP package and zod.
 * Owns the server's life: it serves both eras of the protocol (`initialize`, and the stateless one of 2026-07-28), and
 * ends when its host does. What it serves is server.ts; which session and workspace they mean is desk.ts.
 * INVARIANTS: nothing but MCP is written to stdout; no state is kept in the connection, whose host may restart the
 * process between two calls; nothing here can apply, decide or undo, for the proposer's socket cannot.
 */
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import { MAX_FRAME_BYTES } from "../../protocol/wire/limits.ts";
import { makeDesk } from "./desk.ts";
import { hostGone } from "./host.ts";
import { makeServer } from "./server.ts";

export interface McpOptions {
  /** Absolute: where the search for the workspace begins. */
  readonly from: string;
  /** Ends the server as the host's end does. */
  readonly signal: AbortSignal;
}

/** Twice a frame: content is escaped in JSON, and the daemon is the one to say what is too large. */
const MAX_MESSAGE_BYTES = 2 * MAX_FRAME_BYTES;

/** Serves until the host is gone, and ends the process. */
export async function serve({ from, signal }: McpOptions): Promise<never> {
  const desk = makeDesk(from);
  const gone = hostGone(signal);
  const transport = new StdioServerTransport(process.stdin, process.stdout, {
    maxBufferSize: MAX_MESSAGE_BYTES,
  });
  serveStdio(() => makeServer(desk), {
    transport,
    onerror: (error) => process.stderr.write(`iopipectl mcp: ${error.message}\n`),
  });
  await gone;
  // Not left to the event loop: a call that still waits for a reviewer would hold it for minutes.
  process.exit(0);
}
