/**
 * From what was drawn to the changes that a client sends: diffs and edits are made of what the session reads, so that
 * most of them fit.
 * Owns the forms; whether a change is right is the daemon's to say.
 */
import { pathToFileURL } from "node:url";
import type { Change, SessionHandle } from "../../../client/index.ts";
import { CONTENTS, type Drawn } from "./commands.ts";

type Form<K extends Drawn["kind"]> = (drawn: Extract<Drawn, { kind: K }>, seen: Seen) => Change[];

/** What the session shows. */
interface Seen {
  readonly files: readonly string[];
  /** A file's bytes, each a character; empty where none is. */
  text(path: string): string;
  readonly root: string;
}

/** `#n` is the n-th of the files, modulo. */
export function named(path: string, files: readonly string[]): string {
  return (path.startsWith("#") && files[Number(path.slice(1)) % files.length]) || path;
}

const bytesOf = (name: keyof typeof CONTENTS): Buffer =>
  Buffer.from(CONTENTS[name], name === "binary" ? "latin1" : "utf8");

const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

/** Lines as a diff has them behind `sign`. */
const signed = (sign: string, text: string): string =>
  linesOf(text)
    .map((line) => `${sign}${line}${line.endsWith("\n") ? "" : "\n\\ No newline at end of file\n"}`)
    .join("");

const range = (count: number): string => (count === 0 ? "0,0" : `1,${count}`);

/** One hunk that replaces all of `before` by `after`. */
function hunk(before: string, after: string): string {
  if (before === after) return "";
  const counts = `@@ -${range(linesOf(before).length)} +${range(linesOf(after).length)} @@\n`;
  return counts + signed("-", before) + signed("+", after);
}

const quoted = (path: string): string =>
  /[^ -~]/.test(path)
    ? `"${[...Buffer.from(path)].map((byte) => (byte > 0x7e ? `\\${byte.toString(8)}` : String.fromCharCode(byte))).join("")}"`
    : path;

type Diffed = Extract<Drawn, { kind: "diff" }>["as"];

const names = (from: string, to: string): string => `--- ${quoted(from)}\n+++ ${quoted(to)}\n`;

const DIFFS: Record<Diffed, (path: string, to: string, old: string, now: string) => string> = {
  modify: (path, _to, old, now) => names(`a/${path}`, `b/${path}`) + hunk(old, now),
  create: (path, _to, _old, now) =>
    `new file mode 100755\n${now === "" ? "" : names("/dev/null", `b/${path}`)}${hunk("", now)}`,
  delete: (path, _to, old) =>
    `deleted file mode 100644\n${old === "" ? "" : names(`a/${path}`, "/dev/null")}${hunk(old, "")}`,
  rename: (path, to, old, now) =>
    `rename from ${quoted(path)}\nrename to ${quoted(to)}\n${names(`a/${path}`, `b/${to}`)}${hunk(old, now)}`,
  copy: (path, to) => `similarity index 100%\ncopy from ${quoted(path)}\ncopy to ${quoted(to)}\n`,
  mode: (path, _to, old, now) =>
    `old mode 100644\nnew mode 100755\n${names(`a/${path}`, `b/${path}`)}${hunk(old, now)}`,
};

function diff({ as, path, to, content }: Extract<Drawn, { kind: "diff" }>, seen: Seen): Change[] {
  const [old, now] = [seen.text(path), bytesOf(content).toString("latin1")];
  const target = as === "rename" || as === "copy" ? to : path;
  const head = `diff --git ${quoted(`a/${path}`)} ${quoted(`b/${target}`)}\n`;
  const bytes = Buffer.from(head + DIFFS[as](path, to, old, now), "latin1");
  return [{ kind: "unifiedDiff", textBase64: bytes.toString("base64") }];
}

function applyPatch(drawn: Extract<Drawn, { kind: "applyPatch" }>, seen: Seen): Change[] {
  const { as, path, to, content } = drawn;
  const [first = ""] = linesOf(seen.text(path));
  const line = first.replace(/\r?\n$/, "");
  const update = `@@\n-${line}\n+patched ${line}\n`;
  const body = {
    update: `*** Update File: ${path}\n${update}`,
    move: `*** Update File: ${path}\n*** Move to: ${to}\n${update}`,
    delete: `*** Delete File: ${path}\n`,
    add: `*** Add File: ${path}\n${linesOf(CONTENTS[content])
      .map((each) => `+${each.replace(/\n$/, "")}\n`)
      .join("")}`,
  }[as];
  return [{ kind: "applyPatch", text: `*** Begin Patch\n${body}*** End Patch\n` }];
}

function workspaceEdit(drawn: Extract<Drawn, { kind: "workspaceEdit" }>, { root }: Seen): Change[] {
  const [uri, newUri] = [drawn.path, drawn.to].map((path) => pathToFileURL(`${root}/${path}`).href) as [
    string,
    string,
  ];
  const start = { line: 0, character: 0 };
  const one = {
    edit: {
      textDocument: { uri, version: null },
      edits: [{ range: { start, end: start }, newText: "typed\n" }],
    },
    create: { kind: "create" as const, uri, options: { ignoreIfExists: true } },
    delete: { kind: "delete" as const, uri, options: { recursive: true } },
    rename: { kind: "rename" as const, oldUri: uri, newUri },
  }[drawn.as];
  return [{ kind: "workspaceEdit", edit: { documentChanges: [one] } }];
}

function edit({ path }: Extract<Drawn, { kind: "edit" }>, seen: Seen): Change[] {
  const text = seen.text(path);
  const oldText = linesOf(text)[0] ?? "nothing";
  return [{ kind: "edit", path, edits: [{ oldText, newText: `edited ${oldText}`, replaceAll: true }] }];
}

const FORMS: { [K in Drawn["kind"]]: Form<K> } = {
  write: ({ path, content, breaks }) => [
    {
      kind: "write",
      path,
      contentBase64: bytesOf(content).toString("base64"),
      ...(breaks && { breakHardLinks: true }),
    },
  ],
  create: ({ path, content, mode }) => [
    { kind: "write", path, contentBase64: bytesOf(content).toString("base64"), mode, createOnly: true },
  ],
  edit,
  delete: ({ path }) => [{ kind: "delete", path }],
  rename: ({ path, to }) => [{ kind: "rename", path, to }],
  chmod: ({ path, mode }) => [{ kind: "chmod", path, mode }],
  symlink: ({ path, target }) => [{ kind: "symlink", path, target }],
  moveDirectory: ({ path, to }, { files }) => {
    const directory = path.split("/")[0] ?? path;
    const below = files.filter((file) => file.startsWith(`${directory}/`));
    return below.map((file) => ({ kind: "rename", path: file, to: `${to}${file.slice(directory.length)}` }));
  },
  ...{ diff, applyPatch, workspaceEdit },
};

/** The changes of one call; all see the session as it is before the call. */
export async function changesOf(
  session: SessionHandle,
  drawn: readonly Drawn[],
  root: string,
): Promise<Change[]> {
  const files = (await session.list(undefined, { recursive: true })).flatMap(({ type, path }) =>
    type === "directory" ? [] : path,
  );
  const meant = drawn.map((one) => ({ ...one, path: named(one.path, files) }));
  const texts = new Map<string, string>();
  for (const { path } of meant) {
    const bytes = await session.read(path).then(
      (read) => read.bytes,
      () => undefined,
    );
    if (bytes) texts.set(path, Buffer.from(bytes).toString("latin1"));
  }
  const seen: Seen = { files, text: (path) => texts.get(path) ?? "", root };
  const form = <K extends Drawn["kind"]>(one: Extract<Drawn, { kind: K }>) =>
    (FORMS[one.kind as K] as Form<K>)(one, seen);
  return meant.flatMap((one) => form(one));
}
