/**
 * Examining: everything that `doctor` asks of the state, in a daemon that serves or without one.
 * Owns what the journal and the trees say; the store's own part is daemon/store/examine.ts.
 * Invariant: looks only. The loop turns between directories and pages.
 */
import { type Dirent, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { findPackageJSON } from "node:module";
import { join } from "node:path";
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import type { Finding } from "../../protocol/methods/index.ts";
import { isTemporaryName } from "../disk/index.ts";
import { type Examined, examineStore, type Journal, openJournals, rootsOf } from "../store/index.ts";
import { examineLayers } from "./examine-layers.ts";

/** Told by name; of more only how many they are. */
const MAX_TOLD = 10;

/** Each thing looked at; a database that cannot be read ends it with a problem. */
export async function* examineState(examined: Examined): AsyncGenerator<Finding> {
  try {
    yield* examineAll(examined);
  } catch (error) {
    const { stateDir: path } = examined;
    const advice = `Stop the daemon, copy ${path}, and restore it from a backup; the working trees are unharmed.`;
    yield { name: "state", state: "problem", fact: (error as Error).message, path, advice };
  }
}

async function* examineAll(examined: Examined): AsyncGenerator<Finding> {
  yield libraries();
  yield* examineStore(examined);
  const journals: Journal[] = [];
  for (const page of openJournals(examined.db)) {
    journals.push(...page);
    await turnOfTheLoop();
  }
  yield* told("operations", "none is open or needs attention", journals.flatMap(unfinished));
  yield* examineLayers(examined);
  for (const { root, open } of rootsOf(examined.db)) {
    if (!open) continue;
    const ours = new Set(journals.flatMap((one) => (one.root === root ? one.names : [])));
    yield await leftovers(root, ours);
  }
}

/** Those with native code: the ones that an update of Node, or half an installation, breaks. */
const NATIVE = ["better-sqlite3", "@parcel/watcher", "koffi"];

function libraries(): Finding {
  const name = "libraries";
  const found = NATIVE.map((library) => ({ library, version: versionOf(library) }));
  const told = found.map(({ library, version = "missing" }) => `${library} ${version}`);
  const fact = [`Node ${process.versions.node}`, ...told].join(", ");
  if (found.every(({ version }) => version)) return { name, state: "ok", fact };
  return { name, state: "problem", fact, advice: "Install iopipe again; in a checkout, `npm ci`." };
}

function versionOf(library: string): string | undefined {
  try {
    const path = findPackageJSON(library, import.meta.url) as string;
    return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
  } catch {
    return undefined;
  }
}

function* told(name: string, fine: string, findings: readonly Finding[]): Generator<Finding> {
  if (findings.length === 0) yield { name, state: "ok", fact: fine };
  yield* findings.slice(0, MAX_TOLD);
  const more = findings.length - MAX_TOLD;
  if (more > 0) yield { name, state: "problem", fact: `${more} more like these` };
}

/** A closed one whose files of ours may still be there is swept within seconds, or at the next start. */
function unfinished({ operation, phase, root }: Journal): Finding[] {
  const name = "operations";
  if (phase === "attention") {
    const advice = `See \`iopipectl show ${operation}\`, put the files right, then \`iopipectl rpc operation/resolve '{"operation":"${operation}"}'\`.`;
    return [{ name, state: "problem", fact: `${operation} in ${root} needs attention`, path: root, advice }];
  }
  if (phase !== "prepare" && phase !== "commit" && phase !== "rollback") return [];
  const fact = `${operation} in ${root} is under way, or was interrupted (${phase})`;
  const advice = `\`iopipectl open ${root}\` completes it or takes it back.`;
  return [{ name, state: "warning", fact, path: root, advice }];
}

/** Our temporary names below the root that no journal has: nothing of ours will remove them. */
async function leftovers(root: string, ours: ReadonlySet<string>): Promise<Finding> {
  const name = `leftovers in ${root}`;
  const found: string[] = [];
  let directories = 0;
  for await (const path of temporaryNames(root, () => directories++)) if (!ours.has(path)) found.push(path);
  if (directories === 0) {
    const advice = "Bring it back, or close the workspace: `iopipectl rpc workspace/close`.";
    return { name, state: "warning", fact: "the root cannot be read", path: root, advice };
  }
  const [first] = found;
  if (first === undefined)
    return { name, state: "ok", fact: `none, in ${directories} directories`, path: root };
  const path = join(root, first);
  const fact = `${found.length} of iopipe's temporary files that no operation names, as ${path}`;
  return { name, state: "problem", fact, path, advice: `Look at it, then \`rm ${quoted(path)}\`.` };
}

async function* temporaryNames(root: string, onDirectory: () => void): AsyncGenerator<string> {
  const left = [""];
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    const entries = await readdir(join(root, at), { withFileTypes: true }).catch((): undefined => undefined);
    if (entries) onDirectory();
    for (const entry of entries ?? []) {
      const path = at === "" ? entry.name : `${at}/${entry.name}`;
      if (isTemporaryName(entry.name)) yield path;
      else if (isSearched(entry)) left.push(path);
    }
  }
}

/** Nothing of ours is ever in git's own directory. */
function isSearched(entry: Dirent): boolean {
  return entry.isDirectory() && entry.name !== ".git";
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
