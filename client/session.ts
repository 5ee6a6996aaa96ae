/**
 * A session's handle: what one client proposes together, as an object.
 * Owns no state but the id; every method is one call of the protocol (pages and large content apart).
 */
import type { Params, Result } from "../protocol/methods/index.ts";
import type { Connection } from "./connection.ts";
import { type ChangeInput, type FileContent, readWhole, toChanges } from "./content.ts";
import type { CallOptions } from "./link.ts";

type Entries = Result<"file/list">["entries"];
type Edit = { oldText: string; newText: string; replaceAll?: boolean };
/** What a write, edit, … may say besides its content. */
type Extra = { baseHash?: string; breakHardLinks?: boolean; note?: string };

/**
 * A session by its id. Staging changes nothing on disk; apply() does.
 *
 * Paths are relative to the workspace's root and `/`-separated. Every method fails with the IopipeErrors that the
 * protocol names for it, and SessionNotFound.
 */
export class SessionHandle {
  readonly id: string;
  readonly #connection: Connection;

  /** Use Connection.openSession() or Connection.session(). */
  constructor(connection: Connection, id: string) {
    this.#connection = connection;
    this.id = id;
  }

  /**
   * Stages changes, all or none, one after the other on what read() shows. Content over some MiB is uploaded first.
   *
   * @throws {IopipeError} of the first change that does not fit, with its `data.index`; nothing was staged then.
   */
  async stage(changes: readonly ChangeInput[], options: CallOptions = {}): Promise<Result<"patch/stage">> {
    const fitting = await toChanges(this.#connection, changes, options);
    return await this.#connection.call("patch/stage", { session: this.id, changes: fitting }, options);
  }

  /** Stages a file's whole content: text, or bytes. `mode` in permission bits; `createOnly` refuses an existing file. */
  write(
    path: string,
    content: string | Uint8Array,
    extra: Extra & { mode?: number; createOnly?: boolean } = {},
  ) {
    return this.stage([{ kind: "write", path, content, ...extra }]);
  }

  /** Stages replacements of literal text, in order; each must match exactly once unless it says `replaceAll`. */
  edit(path: string, edits: Edit[], extra: Extra = {}) {
    return this.stage([{ kind: "edit", path, edits, ...extra }]);
  }

  /** Stages a file's or link's deletion. */
  delete(path: string, extra: Extra = {}) {
    return this.stage([{ kind: "delete", path, ...extra }]);
  }

  /** Stages a rename. */
  rename(path: string, to: string, extra: Extra = {}) {
    return this.stage([{ kind: "rename", path, to, ...extra }]);
  }

  /** Stages a change of permission bits (0o755 is 493). */
  chmod(path: string, mode: number, extra: Extra = {}) {
    return this.stage([{ kind: "chmod", path, mode, ...extra }]);
  }

  /** Stages a symbolic link; `target` is stored as given. */
  symlink(path: string, target: string, extra: Extra = {}) {
    return this.stage([{ kind: "symlink", path, target, ...extra }]);
  }

  /** Reads a whole file as this session sees it: staged content over the disk's. */
  read(path: string, options: CallOptions = {}): Promise<FileContent> {
    return readWhole(this.#connection, this.id, path, options);
  }

  /** Lists a directory as this session sees it (default: the root), all pages. */
  async list(path?: string, { recursive = false, ...options }: CallOptions & { recursive?: boolean } = {}) {
    const params = { session: this.id, recursive, ...(path !== undefined && { path }) };
    let page = await this.#connection.call("file/list", params, options);
    const entries: Entries = [...page.entries];
    while (page.next !== undefined) {
      page = await this.#connection.call("file/list", { ...params, after: page.next }, options);
      entries.push(...page.entries);
    }
    return entries;
  }

  /** The session with its patches. */
  get(options: CallOptions = {}): Promise<Result<"session/get">> {
    return this.#connection.call("session/get", { session: this.id }, options);
  }

  /** What is pending as a git-format diff, with the digest that applies it. */
  diff(params: Omit<Params<"session/diff">, "session"> = {}, options: CallOptions = {}) {
    return this.#connection.call("session/diff", { session: this.id, ...params }, options);
  }

  /** The dry run of an apply. */
  check(patches?: string[], options: CallOptions = {}): Promise<Result<"session/check">> {
    return this.#connection.call("session/check", { session: this.id, ...(patches && { patches }) }, options);
  }

  /** Marks the session as ready for review. */
  submit(message?: string): Promise<Result<"session/submit">> {
    const params = { session: this.id, ...(message !== undefined && { message }) };
    return this.#connection.call("session/submit", params);
  }

  /** Waits for the session's first event after `since` (default: now), `timeoutMs` milliseconds at most. */
  wait(params: Omit<Params<"session/wait">, "session"> = {}, options: CallOptions = {}) {
    return this.#connection.call("session/wait", { session: this.id, ...params }, options);
  }

  /**
   * Promotes what is pending, all or nothing, if it is exactly what `digest` (of diff() or get()) stands for.
   *
   * @throws {IopipeError} DigestMismatch, Stale, Conflict, …: the tree is as it was. A result whose
   * `operation.state` is "needsAttention" is no error, but a person must look.
   */
  apply(
    digest: string,
    params: Omit<Params<"session/apply">, "session" | "expectedDigest" | "patches"> = {},
    options: CallOptions = {},
  ): Promise<Result<"session/apply">> {
    const asked = { session: this.id, expectedDigest: digest, ...params };
    return this.#connection.call("session/apply", asked, options);
  }

  /** Drops pending patches, all or those named; restore() brings them back while they are kept. */
  discard(patches?: string[]): Promise<Result<"session/discard">> {
    return this.#connection.call("session/discard", { session: this.id, ...(patches && { patches }) });
  }

  /** Brings back what was discarded or undone: all but the superseded, or those named. */
  restore(patches?: string[]): Promise<Result<"session/restore">> {
    return this.#connection.call("session/restore", { session: this.id, ...(patches && { patches }) });
  }

  /** Merges stale patches onto what is on disk now, as new pending patches. */
  rebase(paths?: string[]): Promise<Result<"session/rebase">> {
    return this.#connection.call("session/rebase", { session: this.id, ...(paths && { paths }) });
  }
}
