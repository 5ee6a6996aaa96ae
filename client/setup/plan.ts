/**
 * What setup has to change: each of an agent's files, with the lines that it lacks.
 * Owns which file is meant and what it is changed from; the lines are agents.ts', how they get into a file is merge.ts.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { isKind } from "../../protocol/wire/errors.ts";
import type { WriteInput } from "../content.ts";
import type { SessionHandle } from "../session.ts";
import type { Command, ConfigFile } from "./agents.ts";
import type { Lines } from "./form.ts";

/** One file with its lines. */
export interface Planned {
  /** Relative to the root, or with `~/`. */
  readonly path: string;
  /** The lines by themselves. */
  readonly lines: string;
  /** What is to be staged; absent where the file has the lines, or is in the home directory. */
  readonly change?: WriteInput;
}

/** A file's bytes and their hash; undefined where there is none. */
type Reader = (path: string) => Promise<{ bytes: Uint8Array; hash: string } | undefined>;

/** Staged content over the disk's. */
export function inSession(session: SessionHandle): Reader {
  return async (path) => {
    try {
      const { bytes, image } = await session.read(path);
      return { bytes, hash: image.hash as string };
    } catch (error) {
      if (isKind(error, "FileNotFound")) return undefined;
      throw error;
    }
  };
}

export function onDisk(root: string): Reader {
  return async (path) => {
    if (!existsSync(join(root, path))) return undefined;
    const bytes = readFileSync(join(root, path));
    return { bytes, hash: createHash("sha256").update(bytes).digest("hex") };
  };
}

/** By its name where a shell would find it; else as this process was started. */
export function ownCommand(): Command {
  const directories = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((directory) => directory.startsWith("/"));
  if (directories.some((directory) => existsSync(join(directory, "iopipectl"))))
    return { program: "iopipectl", args: [] };
  return { program: process.execPath, args: process.argv.slice(1, 2) };
}

/** merge.ts, which is a bundle of its own. */
export interface Merger {
  merge(text: string, lines: Lines, path: string): string;
}

interface Ground extends Merger {
  /** The workspace's. */
  readonly root: string;
  readonly read: Reader;
}

export async function plan(
  { root, read, merge }: Ground,
  { path: usual, or = [], lines }: ConfigFile,
): Promise<Planned> {
  const path = [usual, ...or].find((each) => existsSync(join(root, each))) ?? usual;
  const alone = merge("", lines, path);
  if (path.startsWith("~/")) return { path, lines: alone };
  const before = await read(path);
  const text = Buffer.from(before?.bytes ?? []).toString("utf8");
  const content = merge(text, lines, path);
  if (content === text) return { path, lines: alone };
  // What was read is what is changed: an edit in between is a stale proposal, and no lost edit.
  const base = before ? { baseHash: before.hash } : { createOnly: true };
  return { path, lines: alone, change: { kind: "write", path, content, ...base } };
}
