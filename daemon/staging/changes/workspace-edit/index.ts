/**
 * workspaceEdit: what a language server proposes, resolved against what the session sees. All of it or nothing.
 * Operations happen in their order; edits of one document between two of them are about one text. A position proves
 * nothing by itself: without a hash of the text that it was made for, a match is told as `position`.
 */
import type { ChangeOf } from "../../../../protocol/methods/index.ts";
import { IopipeError } from "../../../../protocol/wire/errors.ts";
import { MAX_NOTE_CHARS } from "../../../../protocol/wire/limits.ts";
import { assertThere, findPlace } from "../../places.ts";
import {
  assertBaseHash,
  assertUnlinked,
  type Common,
  type Context,
  invalid,
  matchesOf,
  put,
} from "../context.ts";
import { RESOURCES, type Resource } from "./resources.ts";
import { applyTextEdits, type TextEdit } from "./text-edits.ts";
import { pathOfUri } from "./uri.ts";

type Change = ChangeOf<"workspaceEdit">;
type Step = NonNullable<Change["edit"]["documentChanges"]>[number];
type DocumentEdit = Exclude<Step, Resource>;

export async function workspaceEdit(context: Context, change: Change): Promise<void> {
  const { pace } = context;
  const steps = stepsOf(change);
  const hashes = hashesOf(change, steps, context.view.tree.root);
  let documents = new Map<string, Document>();
  const finish = async (): Promise<void> => {
    for (const document of documents.values()) await editDocument(context, document, change);
    documents = new Map();
  };
  for (const step of steps) {
    await pace();
    if ("kind" in step) {
      await finish();
      await RESOURCES[step.kind](context, step as never, commonOf(change, [step.annotationId]));
    } else await collect(context, step, documents, hashes);
  }
  await finish();
}

/** documentChanges count before changes, as LSP has it. */
function stepsOf({ edit: { documentChanges, changes } }: Change): readonly Step[] {
  const steps =
    documentChanges ??
    Object.entries(changes ?? {}).map(([uri, edits]) => ({ textDocument: { uri }, edits }));
  if (steps.length > 0) return steps;
  throw new IopipeError("PatchMalformed", "The workspace edit changes nothing.", {
    hint: "Send documentChanges or changes.",
  });
}

/** The hashes of texts, by path as the change names it. @throws {IopipeError} InvalidParams for one of no document */
function hashesOf(
  { baseHash, baseHashes = {} }: Change,
  steps: readonly Step[],
  root: string,
): ReadonlyMap<string, string> {
  const paths = steps.flatMap((step) => ("kind" in step ? [] : pathOfUri(step.textDocument.uri, root)));
  const [only, ...others] = new Set(paths);
  if (baseHash !== undefined && (only === undefined || others.length > 0))
    throw invalid("baseHash names one content; for several documents send baseHashes.");
  const stray = Object.keys(baseHashes).find((path) => !paths.includes(path));
  if (stray !== undefined) throw invalid(`baseHashes names ${stray}, which the edit does not change.`, stray);
  return new Map([
    ...Object.entries(baseHashes),
    ...(baseHash !== undefined && only !== undefined ? [[only, baseHash] as const] : []),
  ]);
}

/** What is to become of one text. */
interface Document {
  readonly path: string;
  readonly edits: TextEdit[];
  readonly annotations: (string | undefined)[];
  readonly baseHash: string | undefined;
  readonly version: number | undefined;
}

async function collect(
  context: Context,
  { textDocument: { uri, version }, edits }: DocumentEdit,
  documents: Map<string, Document>,
  hashes: ReadonlyMap<string, string>,
): Promise<void> {
  const { view } = context;
  const named = pathOfUri(uri, view.tree.root);
  const place = await findPlace(view, named, { follow: true });
  assertThere(place);
  const { path } = place;
  const document = documents.get(path) ?? {
    path,
    edits: [],
    annotations: [],
    baseHash: hashes.get(named),
    version: version ?? undefined,
  };
  if (document.version !== (version ?? undefined))
    throw new IopipeError("PatchMalformed", `The edits of ${path} are about two versions of it.`, { path });
  for (const edit of edits) {
    if (!("newText" in edit)) throw snippet(path);
    document.edits.push(edit);
    document.annotations.push(edit.annotationId);
  }
  documents.set(path, document);
}

function snippet(path: string): IopipeError {
  return new IopipeError(
    "PatchMalformed",
    `An edit of ${path} is a snippet, whose gaps a person has to fill.`,
    {
      path,
      hint: "Ask the language server for plain text edits.",
    },
  );
}

async function editDocument(
  context: Context,
  { path, edits, annotations, baseHash, version }: Document,
  change: Change,
): Promise<void> {
  const { view, warnings, pace } = context;
  const image = await view.imageOf(path);
  await assertBaseHash(context, path, { ...(baseHash !== undefined && { baseHash }) });
  await assertUnlinked(context, path, change);
  if (version !== undefined && baseHash === undefined)
    warnings.push(`${path}: version ${version} is an editor's; send baseHashes to prove which text is meant`);
  const bytes = await applyTextEdits(await view.snapshots.bytes(image, path), edits, path, pace);
  const exactness = baseHash === undefined ? "position" : "exact";
  const match = [
    ...(await matchesOf(context, path)),
    ...edits.map(({ range }) => ({ line: range.start.line + 1, exactness })),
  ];
  const hash = await view.snapshots.keep(bytes);
  const now = { ...image, hash, size: bytes.length, mtimeNs: undefined };
  await put(context, path, now, commonOf(change, annotations), { match });
}

/** What the change says of all, with what its annotations want a person to confirm in the note. */
function commonOf({ breakHardLinks, note, edit }: Change, ids: readonly (string | undefined)[]): Common {
  const asked = [...new Set(ids)].flatMap((id) => {
    if (id === undefined) return [];
    const annotation = edit.changeAnnotations?.[id];
    if (!annotation)
      throw new IopipeError("PatchMalformed", `There is no annotation ${JSON.stringify(id)} in the edit.`);
    const { label, needsConfirmation, description } = annotation;
    const more = description === undefined ? "" : ` (${description})`;
    return needsConfirmation ? [`wants to be confirmed: ${label}${more}`] : [];
  });
  const notes = [...(note === undefined ? [] : [note]), ...asked].join("; ").slice(0, MAX_NOTE_CHARS);
  return {
    ...(breakHardLinks !== undefined && { breakHardLinks }),
    ...(notes !== "" && { note: notes }),
  };
}
