/** Contents of a repository's blobs, many at once. */
import type { Repository } from "./repository.ts";

const NEWLINE = 0x0a;

/** The blobs' bytes, by id. @throws {Error} where the repository lacks one */
export async function contentsOf(
  repository: Repository,
  ids: Iterable<string>,
): Promise<Map<string, Buffer>> {
  const asked = [...new Set(ids)];
  const answers = await repository.git(["cat-file", "--batch"], {
    input: asked.map((id) => `${id}\n`).join(""),
  });
  const contents = new Map<string, Buffer>();
  let at = 0;
  for (const id of asked) {
    const end = answers.indexOf(NEWLINE, at);
    const [, type, size] = answers.toString("latin1", at, end).split(" ");
    if (type !== "blob") throw new Error(`The repository has no blob ${id}`);
    at = end + 1 + Number(size);
    contents.set(id, answers.subarray(end + 1, at));
    at += 1;
  }
  return contents;
}
