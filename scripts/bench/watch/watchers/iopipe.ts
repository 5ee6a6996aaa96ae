/** A subscriber of a running daemon, over its socket, by the client library; the daemon is the bench's. */
import { join } from "node:path";
import { type Connection, connect } from "../../../../client/index.ts";
import { begin } from "../told.ts";

begin(async ({ roots }, saw) => {
  const connection = await connect({ autostart: false, client: { name: "bench-watch" } });
  for (const root of roots) await follow(connection, root, saw);
});

/** Resolves when the daemon has subscribed; what follows is told for as long as this process lives. */
async function follow(connection: Connection, root: string, saw: (path: string) => void): Promise<void> {
  const { workspace } = await connection.call("workspace/open", { root });
  const stream = connection.changes(workspace.id);
  await stream.ready;
  void (async () => {
    for await (const { changes } of stream) for (const { path } of changes) saw(join(root, path));
  })();
}
