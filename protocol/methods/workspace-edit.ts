/**
 * A WorkspaceEdit of the Language Server Protocol, as language servers send it with renames and code actions.
 * What it does not know is left out, as LSP has it; snippets are known, so that they can be refused by name.
 * Source: microsoft.github.io/language-server-protocol, 3.17 and 3.18, "WorkspaceEdit".
 */
import { z } from "zod";

const Position = z
  .object({ line: z.int().min(0), character: z.int().min(0) })
  .meta({ description: "0-based; characters are UTF-16 code units." });
const Range = z.object({ start: Position, end: Position });
const AnnotationId = z.string().optional().describe("A key of changeAnnotations.");

const TextEdit = z.object({ range: Range, newText: z.string(), annotationId: AnnotationId });
const SnippetTextEdit = z
  .object({ range: Range, snippet: z.unknown(), annotationId: AnnotationId })
  .meta({ description: "Refused." });

const Uri = z.string().describe("file: and absolute, below the workspace's root.");

const TextDocumentEdit = z.object({
  textDocument: z.object({ uri: Uri, version: z.int().nullable().optional() }),
  edits: z.array(z.union([TextEdit, SnippetTextEdit])),
});

const Existing = z.object({ overwrite: z.boolean().optional(), ignoreIfExists: z.boolean().optional() });

const CreateFile = z.object({
  kind: z.literal("create"),
  uri: Uri,
  options: Existing.optional(),
  annotationId: AnnotationId,
});
const RenameFile = z.object({
  kind: z.literal("rename"),
  oldUri: Uri,
  newUri: Uri,
  options: Existing.optional(),
  annotationId: AnnotationId,
});
const DeleteFile = z.object({
  kind: z.literal("delete"),
  uri: Uri,
  options: z
    .object({ recursive: z.boolean().optional(), ignoreIfNotExists: z.boolean().optional() })
    .optional(),
  annotationId: AnnotationId,
});

export const WorkspaceEdit = z.object({
  changes: z
    .record(z.string(), z.array(z.union([TextEdit, SnippetTextEdit])))
    .optional()
    .describe("By URI; not looked at where there are documentChanges."),
  documentChanges: z.array(z.union([TextDocumentEdit, CreateFile, RenameFile, DeleteFile])).optional(),
  changeAnnotations: z
    .record(
      z.string(),
      z.object({
        label: z.string(),
        needsConfirmation: z.boolean().optional(),
        description: z.string().optional(),
      }),
    )
    .optional(),
});
export type WorkspaceEdit = z.infer<typeof WorkspaceEdit>;
