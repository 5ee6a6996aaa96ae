/**
 * `show OPERATION PATH --bytes …`: writes out the bytes of one version of a file that an operation keeps, as they are;
 * on a terminal with control characters escaped. A symlink's are its target.
 */
import { once } from "node:events";
import type { Operation } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import type { Context } from "./context.ts";
import { UsageError } from "./failure.ts";
import { byPrefix } from "./ids.ts";
import { printJson } from "./output.ts";
import { findWorkspace, pathIn } from "./place.ts";
import { visibleLines } from "./visible.ts";

type File = Operation["files"][number];

/** The bytes of each version: a blob's hash, or what there is instead. */
const VERSIONS: Readonly<
  Record<string, (file: File) => { blob?: string | undefined; text?: string | undefined }>
> = {
  before: ({ before }) => ({ blob: before.hash, text: before.target }),
  after: ({ after }) => ({ blob: after.hash, text: after.target }),
  rescued: ({ rescued }) => ({ blob: rescued }),
};

/** @throws {UsageError} for a version, an operation or a path that there is not */
export async function showVersion(context: Context, id: string, argument: string): Promise<void> {
  const version = context.text("bytes") ?? "";
  const versionOf = VERSIONS[version];
  if (!versionOf)
    throw new UsageError(
      version === "" ? "Which version?" : `There is no version ${version}.`,
      `Say --bytes ${Object.keys(VERSIONS).join(", or --bytes ")}.`,
    );
  const file = await fileOf(context, id, argument);
  const { blob, text } = versionOf(file);
  if (blob !== undefined) await writeBlob(context, blob);
  else if (text === undefined) throw noVersion(file, version);
  else if (context.json) printJson({ target: text });
  else write(Buffer.from(text));
}

async function fileOf(context: Context, id: string, argument: string): Promise<File> {
  const { root } = await findWorkspace(context);
  const operation = (await byPrefix(context, id)) ?? id;
  const { files } = (await context.call("operation/get", { operation })).operation;
  const path = pathIn(root, context.cwd, argument);
  const file = files.find((each) => each.path === path);
  if (file) return file;
  throw new UsageError(
    `Operation ${operation} has no file ${path}.`,
    `iopipectl show ${id} lists its files.`,
  );
}

function noVersion({ path, before, after, rescued }: File, version: string): IopipeError {
  const there = [
    ...(before.exists ? ["before"] : []),
    ...(after.exists ? ["after"] : []),
    ...(rescued === undefined ? [] : ["rescued"]),
  ];
  return new IopipeError("FileNotFound", `${path} has no version ${version}: there was none.`, {
    path,
    hint: `There is ${there.join(" and ")}.`,
  });
}

async function writeBlob(context: Context, blob: string): Promise<void> {
  for (let offset = 0; ; ) {
    const chunk = await context.call("blob/read", { blob, offset });
    const bytes = Buffer.from(chunk.data, "base64");
    if (context.json) printJson(chunk);
    else if (!write(bytes)) await once(process.stdout, "drain");
    offset += bytes.length;
    if (offset >= chunk.size || bytes.length === 0) return;
  }
}

function write(bytes: Buffer): boolean {
  return process.stdout.write(process.stdout.isTTY ? visibleLines(bytes.toString("utf8")) : bytes);
}
