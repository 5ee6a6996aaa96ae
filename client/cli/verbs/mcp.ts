/** `mcp`: becomes the MCP server of client/mcp, which is loaded by path: no other verb pays for its packages. */
import { byPath } from "../../by-path.ts";
import type { Context } from "../context.ts";
import { startOf } from "../place.ts";

interface McpServer {
  serve(options: { from: string; signal: AbortSignal }): Promise<never>;
}

export async function mcp(context: Context): Promise<never> {
  const url = new URL("../../mcp/main.ts", import.meta.url);
  const from = startOf(context);
  return await byPath(url, ({ serve }: McpServer) => serve({ from, signal: context.signal }));
}
