/**
 * Syntax of patches: how long staging and applying wait for it, and what they say of it.
 * Invariant: it depends on blobs alone, never on the disk, so that it is looked at before anybody holds a tree.
 * Failure: what is not known when the time is over is unknown, and refuses nothing.
 */

import { isDeepStrictEqual } from "node:util";
import type { Diagnostic, Syntax } from "../../protocol/methods/index.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { inParallel } from "../disk/index.ts";
import type { PatchRow, SessionRow, Store } from "../store/index.ts";
import { type Checked, type Checker, syntaxToWire } from "./syntax/checker.ts";

/** What somebody who stages waits for at most: enough for some files, and for the parser's own start. */
const STAGING_WAITS_MS = 300;
/** What an apply waits for at most; it rarely does, for staging has asked. */
const APPLYING_WAITS_MS = 5000;

export interface Deps {
  readonly store: Store;
  readonly checker: Checker;
}

/** Looks at what is being staged, for a moment; `ended` resolves when all has been looked at. */
export async function glance(
  checker: Checker,
  patches: readonly Checked[],
): Promise<{ readonly ended: Promise<unknown> }> {
  const ended = inParallel(patches, (patch) => checker.check(patch));
  await within(STAGING_WAITS_MS, ended);
  return { ended };
}

/**
 * Looks at the pending patches of `session`, `ids` or all, and has their rows know. Needs no lock: all is in blobs.
 *
 * @throws {unknown} `signal`'s reason
 */
export async function checkSyntax(
  deps: Deps,
  session: Pick<SessionRow, "id">,
  ids: readonly string[] | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const pending = deps.store.patches.ofSession(session.id, "Pending");
  const wanted = ids ? pending.filter(({ id }) => ids.includes(id)) : pending;
  const ended = inParallel(wanted, (patch) => (signal?.aborted ? undefined : deps.checker.check(patch)));
  await within(APPLYING_WAITS_MS, ended, signal);
  learn(deps, wanted);
}

/** Resolves with `work`, which does not reject, or after `ms`; rejects with `signal`'s reason. */
async function within(ms: number, work: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  signal?.addEventListener("abort", () => over.resolve(), { once: true });
  await Promise.race([work, over.promise]);
  clearTimeout(timer);
  signal?.throwIfAborted();
}

/** Rows that were staged before it was known learn what their syntax is. Never throws: it can be asked again. */
export function learn({ store, checker }: Deps, patches: readonly PatchRow[]): void {
  if (checker.closed) return;
  const news = patches.flatMap(({ id, findings, ...patch }) => {
    const { syntax } = syntaxOf(checker, patch);
    return syntax && !isDeepStrictEqual(syntax, findings.syntax)
      ? { id, findings: { ...findings, syntax } }
      : [];
  });
  if (news.length === 0) return;
  try {
    store.transaction(() => {
      for (const { id, findings } of news) store.patches.learn(id, findings);
    });
  } catch {
    // The state's disk is full: whoever asks is answered without.
  }
}

/** A patch's syntax as it is known now, where there is anything to say. */
export function syntaxOf(checker: Checker, patch: Checked): { syntax?: Syntax } {
  const verdict = checker.known(patch);
  return verdict ? { syntax: syntaxToWire(verdict) } : {};
}

/** What there is to find fault with in patches, one line each. */
export function syntaxWarnings(checker: Checker, patches: readonly Checked[]): string[] {
  return patches.flatMap((patch) => {
    const verdict = checker.known(patch);
    return (verdict?.diagnostics ?? []).map((each) => {
      const place = `${patch.path}:${each.line}:${each.column}`;
      return each.severity === "error"
        ? `${place}: does not parse, so an apply will be refused: ${each.message}`
        : `${place}: ${each.message}`;
    });
  });
}

/** A patch that an apply is refused for: where its result does not parse, which is what an error says. */
export interface InvalidFile extends Pick<Diagnostic, "line" | "column" | "message" | "check"> {
  readonly path: string;
  readonly patch: string;
}

export function invalidFiles(checker: Checker, patches: readonly PatchRow[]): InvalidFile[] {
  return patches.flatMap((patch) => {
    // The reports of ten thousand files are not all kept; what a row has learned is.
    const syntax = checker.known(patch) ?? patch.findings.syntax;
    const first = syntax?.diagnostics.find(({ severity }) => severity === "error");
    if (!first) return [];
    const { line, column, message, check } = first;
    return { path: patch.path, patch: patch.id, line, column, message, check };
  });
}

/** `files` has at least one. */
export function syntaxInvalid(files: readonly InvalidFile[]): IopipeError {
  const [{ path, line, column, message }, ...more] = files as [InvalidFile, ...InvalidFile[]];
  const others = more.length === 0 ? "" : ` Nor would ${more.length} more.`;
  return new IopipeError(
    "SyntaxInvalid",
    `${path} would not parse, at line ${line}, column ${column}: ${message}${others}`,
    { ...(more.length === 0 && { path }), files },
  );
}
