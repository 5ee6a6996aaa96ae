/** `mcp`: becomes the MCP server of client/mcp, which is loaded by path: no other verb pays for its packages. */
import type { Context } from "../context.ts";
import { startOf } from "../place.ts";

interface McpServer {
  serve(options: { from: string; signal: AbortSignal }): Promise<never>;
}

export async function mcp(context: Context): Promise<never> {
  const server = (await import(new URL("../../mcp/main.ts", import.meta.url).href)) as McpServer;
  return await server.serve({ from: startOf(context), signal: context.signal });
}
