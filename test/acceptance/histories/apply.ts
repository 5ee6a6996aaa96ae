/**
 * Applying, held against everything that says beforehand what it will do: the dry run, the diff as git applies it in a
 * copy, and the tree as the session reads it. Afterwards the undo, and the undo of that.
 */

import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import type { Params, Result } from "../../../client/index.ts";
import { type Snapshot, snapshot } from "../repository.ts";
import { ask } from "./ask.ts";
import type { Called } from "./commands.ts";
import { pickSome, sessionOf, settle, treeOf, type World } from "./world.ts";

type Apply = Extract<Called, { call: "apply" }>;
type Checked = Result<"session/check">;

export async function paramsOf(world: World, command: Apply): Promise<Params<"session/apply">> {
  const session = sessionOf(world, command);
  const { session: whole, patches } = await world.scene.reviewer.call("session/get", { session });
  const pending = patches.filter(({ state }) => state === "Pending").map(({ id }) => id);
  const named = pickSome(pending, command.some);
  return {
    session,
    ...(named ? { patches: named } : { expectedDigest: whole.digest }),
    ...(command.skip && { onStale: "skip" as const }),
    ...{ confirmFullReplace: command.confirm, allowInvalidSyntax: command.lenient },
  };
}

/** With nobody else at work. */
export async function applyQuietly(world: World, command: Apply): Promise<void> {
  await settle(world);
  const { reviewer } = world.scene;
  const params = await paramsOf(world, command);
  const { session, patches } = params;
  const before = treeOf(world);
  const checked = await reviewer.call("session/check", { session, ...(patches && { patches }) });
  const shown = patches ? undefined : await expectations(world, session);
  const { result, error } = await ask(world, "session/apply", params);
  if (error === "lost") throw new Error("The daemon ended.");
  expectAsChecked(checked, command, error?.kind);
  if (!result) return;
  const { operation } = result;
  expect(operation.state).toBe("committed");
  if (operation.kind !== "apply" || result.applied.length === 0) return;
  const isRepeated = JSON.stringify(before) === JSON.stringify(treeOf(world)) && checked.order.length === 0;
  if (isRepeated) return;
  expect(
    operation.files.map((file) => file.path),
    "order",
  ).toEqual(checked.order);
  const after = treeOf(world);
  if (shown) {
    expect(filesOf(after), "the tree is as the session read it").toEqual(shown.read);
    const isWhole = result.skipped.every(({ patch }) => !shown.patches.has(patch));
    if (isWhole) expect(asGit(after), "the tree is as git applies the diff").toEqual(asGit(shown.patched));
  }
  if (command.after === "nothing") return;
  const undone = await world.scene.reviewer.call("operation/undo", { operation: operation.id });
  expect(treeOf(world), "undone").toEqual(before);
  if (command.after === "undo") return;
  await world.scene.reviewer.call("operation/undo", { operation: undone.operation?.id as string });
  expect(treeOf(world), "done again").toEqual(after);
}

/** The dry run's word against the apply's. */
function expectAsChecked(
  { wouldApply, order, problems }: Checked,
  command: Apply,
  refused: string | undefined,
): void {
  const excused = new Set<string>();
  if (command.skip) excused.add("Stale");
  if (command.confirm) excused.add("ConfirmationRequired");
  if (command.lenient) excused.add("SyntaxInvalid");
  const kinds = problems.map(({ kind }) => kind).filter((kind) => !excused.has(kind));
  // What only a write shows, no dry run tells.
  if (refused === "AccessDenied") return;
  const said = `check said ${JSON.stringify({ wouldApply, order, problems })}`;
  if (kinds.length > 0) expect(kinds, `${said}; the apply: ${refused}`).toContain(refused);
  else if (order.length > 0) expect(refused, said).toBe(undefined);
  // Nothing to apply; or, repeated, what was applied before.
  else expect(["IllegalState", undefined], said).toContain(refused);
}

interface Expectations {
  readonly read: Snapshot;
  readonly patched: Snapshot;
  /** What the diff shows. */
  readonly patches: ReadonlySet<string | undefined>;
}

async function expectations(world: World, session: string): Promise<Expectations> {
  const { diff, files } = await world.scene.reviewer.call("session/diff", { session });
  const patches = new Set(files.map(({ patch }) => patch));
  return { read: await readTree(world, session), patched: patchedCopy(world, diff), patches };
}

/** Files and links, as the session lists and reads them. */
async function readTree({ scene }: World, id: string): Promise<Snapshot> {
  const session = scene.reviewer.session(id);
  const { patches } = await session.get();
  const disk = snapshot(scene.root, { without: [".git"] });
  const tree: Record<string, string> = {};
  for (const { path: at, type, origin } of await session.list(undefined, { recursive: true })) {
    if (type === "symlink") {
      const staged = patches.find((patch) => patch.state === "Pending" && patch.path === at);
      tree[at] = origin === "disk" ? (disk[at] as string) : `-> ${staged?.after.target}`;
    } else if (type === "file") {
      const { bytes, image } = await session.read(at);
      tree[at] = `${image.mode?.toString(8)} ${Buffer.from(bytes).toString("latin1")}`;
    }
  }
  return tree;
}

/** What git makes of the diff in a copy of the tree. */
function patchedCopy({ scene }: World, diff: string): Snapshot {
  const copy = path.join(path.dirname(scene.root), `copy-${path.basename(scene.root)}`);
  cpSync(scene.root, copy, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true, mode: 0 });
  try {
    if (diff !== "")
      execFileSync("git", ["apply", "--whitespace=nowarn", "-"], {
        cwd: copy,
        input: diff,
        stdio: ["pipe", "pipe", "pipe"],
      });
    return snapshot(copy, { without: [".git"] });
  } catch (error) {
    return { "git apply": String((error as { stderr?: Buffer }).stderr ?? error) };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const filesOf = (tree: Snapshot): Snapshot =>
  Object.fromEntries(Object.entries(tree).filter(([file]) => !file.endsWith("/")));

/** Of modes git knows only whether somebody may execute. */
const asGit = (tree: Snapshot): Snapshot =>
  Object.fromEntries(
    Object.entries(filesOf(tree)).map(([file, entry]) => [
      file,
      entry.replace(/^[0-7]+(?= )/, (mode) => ((Number.parseInt(mode, 8) & 0o100) !== 0 ? "755" : "644")),
    ]),
  );
