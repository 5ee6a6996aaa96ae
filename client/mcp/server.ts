/** The server as a host sees it: its name, what it says of itself, its tools and resources. How it is served is main.ts. */
import { McpServer } from "@modelcontextprotocol/server";
import packageJson from "../../package.json" with { type: "json" };
import type { Desk } from "./desk.ts";
import { registerDiffs } from "./resources.ts";
import { registerTools } from "./tools/index.ts";

/** What a host may show its model about the server as a whole. */
const INSTRUCTIONS = [
  "Changes made with these tools are proposals: they are staged for a person to review, and no file changes until then.",
  "Choose one `key` for this conversation, hard to guess (a few words and random characters), and give it to every call;",
  "or give the `session` that an answer named. What you stage you read: read_staged, list_staged and search_staged show",
  "the files as they would become. Stage all that belongs together, look at diff_staged, run verify_staged where the project",
  "has checks, then submit_for_review, and tell the person. Do not wait for them: go on, and ask await_review later for decisions and notes.",
  "There is no tool that applies; do not write the same change to the files by another way.",
].join(" ");

export function makeServer(desk: Desk): McpServer {
  const { name, version } = packageJson;
  const server = new McpServer({ name, version }, { instructions: INSTRUCTIONS });
  registerTools(server, desk);
  registerDiffs(server, desk);
  return server;
}
