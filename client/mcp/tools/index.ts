/** The table of tools, in the order in which hosts list them; and how a row of it becomes a tool of the server. */
import {
  type CallToolResult,
  CLIENT_INFO_META_KEY,
  type McpServer,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Desk } from "../desk.ts";
import { answered, refused } from "./answers.ts";
import { LOOKING } from "./looking.ts";
import { READING } from "./reading.ts";
import { REVIEWING } from "./reviewing.ts";
import { SEARCHING } from "./searching.ts";
import { STAGING } from "./staging.ts";
import { EFFECTS, type Tool, type ToolCall } from "./tool.ts";
import { VERIFYING } from "./verifying.ts";

const TOOLS: readonly Tool[] = [...READING, ...SEARCHING, ...STAGING, ...LOOKING, ...VERIFYING, ...REVIEWING];

export function registerTools(server: McpServer, desk: Desk): void {
  for (const { name, title, description, effect, input, output, run } of TOOLS) {
    const annotations = { title, ...EFFECTS[effect] };
    server.registerTool(
      name,
      { title, description, inputSchema: input, outputSchema: output, annotations },
      async (given, context): Promise<CallToolResult> => {
        try {
          return answered(await run(given, callOf(desk, server, context)));
        } catch (error) {
          return refused(error);
        }
      },
    );
  }
}

function callOf(desk: Desk, server: McpServer, { mcpReq }: ServerContext): ToolCall {
  const token = mcpReq._meta?.progressToken;
  return {
    desk,
    agent: hostOf(server, mcpReq.envelope),
    signal: mcpReq.signal,
    progress: (progress, total, message) => {
      if (token === undefined) return;
      const params = { progressToken: token, progress, ...(total !== undefined && { total }), message };
      // A host that is gone is noticed elsewhere.
      mcpReq.notify({ method: "notifications/progress", params }).catch(() => {});
    },
  };
}

/** The host's name: the one era says it in each request, the other once. */
function hostOf(server: McpServer, envelope: Readonly<Record<string, unknown>> = {}): string {
  const host = envelope[CLIENT_INFO_META_KEY] ?? server.server.getClientVersion();
  const { name } = (host ?? {}) as { name?: unknown };
  return typeof name === "string" && name !== "" ? name : "mcp";
}
