/** The whole tree as a session sees it, in the form of treeOf. */
import type { Scene } from "../staging-scene.ts";

export async function stagedTree({
  staging,
  session,
  tree,
  pending,
}: Scene): Promise<Record<string, string>> {
  const targets = new Map(pending().map(({ path, after }) => [path, after.target]));
  const { entries } = await staging.listFiles(session, tree, { session: session.id, recursive: true });
  const found: Record<string, string> = {};
  for (const { path, type, mode = 0 } of entries) {
    if (type === "directory") continue;
    const target = targets.get(path) ?? (type === "symlink" ? (await tree.lstat(path)).target : undefined);
    if (type === "symlink") found[path] = `-> ${target}`;
    else {
      const ask = { session: session.id, path, encoding: "base64" } as const;
      const { content } = await staging.readFile(session, tree, ask);
      found[path] = `${(mode & 0o100) !== 0} ${Buffer.from(content, "base64").toString("latin1")}`;
    }
  }
  return found;
}
