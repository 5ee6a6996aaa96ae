/** `mcp`: becomes the MCP server of client/mcp, which is loaded by path: no other verb pays for its packages. */
import { byPath } from "../../by-path.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../failure.ts";
import { startOf } from "../place.ts";

interface McpServer {
  serve(options: { from: string; signal: AbortSignal }): Promise<never>;
}

export async function mcp(context: Context): Promise<never> {
  if (process.stdin.isTTY)
    throw new UsageError(
      "mcp talks to an agent's host on stdin, and stdin is a terminal.",
      "`iopipectl setup` puts it into an agent's configuration.",
    );
  const url = new URL("../../mcp/main.ts", import.meta.url);
  const from = startOf(context);
  return await byPath(url, ({ serve }: McpServer) => serve({ from, signal: context.signal }));
}
