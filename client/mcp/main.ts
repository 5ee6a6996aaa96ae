/**
 * `iopipectl mcp`: an MCP server on stdio through which an agent proposes changes, on the proposer's socket.
 * A process's part of its own (started by path, imported by nobody), for it alone carries the MCP package and zod.
 * Owns the server's life: it serves both eras of the protocol (`initialize`, and the stateless one of 2026-07-28), and
 * ends when its host does. What the tools do is tools/; which session and workspace they mean is desk.ts.
 * INVARIANTS: nothing but MCP is written to stdout; no state is kept in the connection, whose host may restart the
 * process between two calls; nothing here can apply, decide or undo, for the proposer's socket cannot.
 */
import { McpServer } from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import packageJson from "../../package.json" with { type: "json" };
import { MAX_FRAME_BYTES } from "../../protocol/wire/limits.ts";
import { makeDesk } from "./desk.ts";
import { hostGone } from "./host.ts";
import { registerDiffs } from "./resources.ts";
import { registerTools } from "./tools/index.ts";

export interface McpOptions {
  /** Absolute: where the search for the workspace begins. */
  readonly from: string;
  /** Ends the server as the host's end does. */
  readonly signal: AbortSignal;
}

/** What a host may show its model about the server as a whole. */
const INSTRUCTIONS = [
  "Changes made with these tools are proposals: they are staged for a person to review, and no file changes until then.",
  "Choose one `key` for this conversation, hard to guess (a few words and random characters), and give it to every call;",
  "or give the `session` that an answer named. What you stage you read: read_staged, list_staged and search_staged show",
  "the files as they would become. Stage all that belongs together, look at diff_staged, then submit_for_review, and",
  "tell the person. Do not wait for them: go on, and ask await_review later for decisions and notes.",
  "There is no tool that applies; do not write the same change to the files by another way.",
].join(" ");

/** Twice a frame: content is escaped in JSON, and the daemon is the one to say what is too large. */
const MAX_MESSAGE_BYTES = 2 * MAX_FRAME_BYTES;

/** Serves until the host is gone, and ends the process. */
export async function serve({ from, signal }: McpOptions): Promise<never> {
  const desk = makeDesk(from);
  const gone = hostGone(signal);
  const transport = new StdioServerTransport(process.stdin, process.stdout, {
    maxBufferSize: MAX_MESSAGE_BYTES,
  });
  serveStdio(
    () => {
      const server = new McpServer(
        { name: packageJson.name, version: packageJson.version },
        { instructions: INSTRUCTIONS },
      );
      registerTools(server, desk);
      registerDiffs(server, desk);
      return server;
    },
    { transport, onerror: (error) => process.stderr.write(`iopipectl mcp: ${error.message}\n`) },
  );
  await gone;
  // Not left to the event loop: a call that still waits for a reviewer would hold it for minutes.
  process.exit(0);
}
