/**
 * The official MCP client on the real `iopipectl mcp`, in either era of the protocol: a process of its own, or its server
 * inside the test's process, so that coverage sees it.
 * Whoever opens one closes it (`await using`).
 */
import { realpathSync } from "node:fs";
import { Client, type ContentBlock, InMemoryTransport, type Transport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { makeDesk } from "../../client/mcp/desk.ts";
import { makeServer } from "../../client/mcp/server.ts";
import { IOPIPECTL } from "../fixture/cli.ts";
import type { TestHome } from "../fixture/server.ts";

/** Both eras: the one with `initialize`, and the stateless one. */
export const ERAS = ["2025", "2026-07-28"] as const;
type Era = (typeof ERAS)[number];

// biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of every shape.
type Data = any;

interface Answered {
  readonly data: Data;
  readonly isError: boolean;
  /** All text blocks. */
  readonly text: string;
  readonly content: ContentBlock[];
}

export interface McpClient extends AsyncDisposable {
  readonly client: Client;
  /** Calls a tool; the client checks what comes against the tool's output schema. */
  call(name: string, args?: Record<string, unknown>): Promise<Answered>;
}

export interface McpOptions {
  readonly era?: Era;
  readonly cwd: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of an iopipectl that it is started through: `run --`. */
  readonly through?: readonly string[];
  /** Arguments of a Node that becomes the server's: a script that confines it. */
  readonly confined?: readonly string[];
}

export async function mcpClient(
  home: TestHome,
  { era = "2026-07-28", cwd, args = [], env = {}, through, confined }: McpOptions,
): Promise<McpClient> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [
      ...(confined ? [...confined, process.execPath] : []),
      ...(through ? [IOPIPECTL, ...through, process.execPath] : []),
      ...[IOPIPECTL, "mcp", ...args],
    ],
    env: { ...home.env, ...env },
    cwd,
    stderr: "inherit",
  });
  return await begin(transport, era);
}

/** The same with the server in this process, which has the home's environment and `env` meanwhile. One at a time. */
export async function mcpInProcess(
  home: TestHome,
  { era = "2026-07-28", cwd, env = {} }: Pick<McpOptions, "era" | "cwd" | "env">,
): Promise<McpClient> {
  const before = process.env;
  process.env = { ...home.env, ...env };
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const desk = makeDesk(realpathSync(cwd));
  const served = serveStdio(() => makeServer(desk), { transport: theirs });
  const agent = await begin(ours, era);
  const dispose = async (): Promise<void> => {
    await agent[Symbol.asyncDispose]();
    await served.close();
    (await desk.connection().catch(() => undefined))?.close();
    process.env = before;
  };
  return { ...agent, [Symbol.asyncDispose]: dispose };
}

async function begin(transport: Transport, era: Era): Promise<McpClient> {
  const mode = era === "2025" ? "legacy" : { pin: era };
  const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode } });
  await client.connect(transport);
  // The output schemas are known to the client only once it has listed the tools.
  await client.listTools();
  return {
    client,
    call: async (name, args = {}) => {
      const result = await client.callTool({ name, arguments: args });
      const content = result.content as ContentBlock[];
      const text = content.map((block) => (block.type === "text" ? block.text : "")).join("\n");
      return { data: result.structuredContent, isError: result.isError === true, text, content };
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
