/**
 * Long diffs as resources: one for each patch, whose id names one content, so that what a link shows never changes.
 * Owns the form of their URIs.
 */
import { type McpServer, ResourceNotFoundError, ResourceTemplate } from "@modelcontextprotocol/server";
import type { FileStatus } from "../../protocol/methods/index.ts";
import { isKind } from "../../protocol/wire/errors.ts";
import type { Desk } from "./desk.ts";
import type { Link } from "./tools/tool.ts";

const MIME_TYPE = "text/x-diff";

export function linkToDiff(session: string, { patch, path }: FileStatus): Link[] {
  if (patch === undefined) return [];
  return [{ uri: `iopipe://session/${session}/patch/${patch}/diff`, name: path, mimeType: MIME_TYPE }];
}

export function registerDiffs(server: McpServer, desk: Desk): void {
  const template = new ResourceTemplate("iopipe://session/{session}/patch/{patch}/diff", { list: undefined });
  const description = "The diff of one staged patch, in git's format.";
  server.registerResource(
    "diff",
    template,
    { title: "Staged diff", description, mimeType: MIME_TYPE },
    async (uri, { session, patch }) => {
      const text = await diffOf(desk, uri.href, String(session), String(patch));
      return { contents: [{ uri: uri.href, mimeType: MIME_TYPE, text }] };
    },
  );
}

async function diffOf(desk: Desk, uri: string, session: string, id: string): Promise<string> {
  try {
    const { handle, connection } = await desk.findWork({ session });
    const { patch } = await connection.call("patch/get", { patch: id });
    if (patch.state === "Pending" && patch.session === session)
      return (await handle.diff({ paths: [patch.path] })).diff;
  } catch (error) {
    if (!isKind(error, "SessionNotFound", "PatchNotFound")) throw error;
  }
  throw new ResourceNotFoundError(uri, "That patch is not pending any more: see diff_staged.");
}
