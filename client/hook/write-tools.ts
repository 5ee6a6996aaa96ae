/**
 * Claude Code's tools that write files, as a table: what each of their inputs proposes.
 * Source: the tools' documented inputs (code.claude.com/docs/en/hooks, PreToolUse input; the Agent SDK's tool types).
 */
import { IopipeError } from "../../protocol/wire/errors.ts";
import { byPath } from "../by-path.ts";
import type { ChangeInput, FileContent } from "../content.ts";

interface NotebookEditor {
  editNotebook(text: string, edit: object): string;
}

type Input = Readonly<Record<string, unknown>>;

/** The changes of `path` that `input` asks for; `read` gives the file as the session sees it. */
type ToChanges = (
  path: string,
  input: Input,
  read: () => Promise<FileContent>,
) => ChangeInput[] | Promise<ChangeInput[]>;

export const WRITES: Readonly<Record<string, ToChanges>> = {
  Write: (path, { content }) => [{ kind: "write", path, content: text(content, "content") }],
  Edit: (path, input) => edited(path, [input]),
  MultiEdit: (path, { edits }) => edited(path, edits as Input[]),
  NotebookEdit: async (path, input, read) => {
    const { bytes, image } = await read();
    const edit = {
      cell: input.cell_id === undefined ? undefined : text(input.cell_id, "cell_id"),
      source: input.edit_mode === "delete" ? "" : text(input.new_source, "new_source"),
      type: input.cell_type === undefined ? undefined : text(input.cell_type, "cell_type"),
      mode: input.edit_mode === undefined ? "replace" : editMode(input.edit_mode),
    };
    const url = new URL("./notebook.ts", import.meta.url);
    const content = await byPath(url, ({ editNotebook }: NotebookEditor) =>
      editNotebook(bytes.toString("utf8"), edit),
    );
    return [{ kind: "write", path, content, ...(image.hash !== undefined && { baseHash: image.hash }) }];
  },
};

/** The first replacement of an empty text makes the file. */
function edited(path: string, inputs: readonly Input[]): ChangeInput[] {
  if (!Array.isArray(inputs) || inputs.length === 0 || !inputs.every(isObject)) throw unknown("edits");
  const edits = inputs.map(({ old_string, new_string, replace_all }) => ({
    oldText: text(old_string, "old_string"),
    newText: text(new_string, "new_string"),
    ...(replace_all === true && { replaceAll: true }),
  }));
  const [first] = edits;
  if (first?.oldText !== "") return [{ kind: "edit", path, edits }];
  const made: ChangeInput = { kind: "write", path, content: first.newText, createOnly: true };
  return edits.length === 1 ? [made] : [made, { kind: "edit", path, edits: edits.slice(1) }];
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** Of NotebookEdit; one that is not known would be done as another. */
function editMode(value: unknown): string {
  if (value === "replace" || value === "insert" || value === "delete") return value;
  throw unknown("edit_mode");
}

function text(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw unknown(name);
}

function unknown(name: string): IopipeError {
  return new IopipeError("InvalidParams", `The tool's input has no ${name} of the documented form.`, {
    param: name,
    hint: "Give the tool all of its arguments.",
  });
}
