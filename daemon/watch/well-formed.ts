/**
 * Whether what a client gives can match anything at all: a rule that is meant must not be none, silently.
 * Owns the refusal of globs and of lines as in a .gitignore; where a glob is at fault is wildmatch.ts'. Files of the tree
 * are read as git reads them: a line of theirs that matches nothing is passed over.
 */
import type { WatchRules } from "../../protocol/methods/values.ts";
import { IopipeError } from "../../protocol/wire/errors.ts";
import { parseIgnoreFile } from "./gitignore.ts";
import { faultIn } from "./wildmatch.ts";

/** Lists of globs by the names of their params. */
type Globs = Readonly<Record<string, readonly string[] | undefined>>;

/** @throws {IopipeError} InvalidParams about the first glob that no path can match */
export function assertGlobs(lists: Globs): void {
  for (const [name, globs = []] of Object.entries(lists))
    for (const [index, glob] of globs.entries()) assertGlob(glob, faultIn(glob), `${name}[${index}]`, index);
}

/** The same for a workspace's rules of watching, the param `watch`. */
export function assertRules({ ignore = [], high, med, low }: WatchRules): void {
  assertGlobs({ "watch.high": high, "watch.med": med, "watch.low": low });
  for (const [index, line] of ignore.entries()) {
    const fault = parseIgnoreFile(line).map(({ pattern }) => faultIn(pattern))[0];
    assertGlob(line, fault, `watch.ignore[${index}]`, index);
  }
}

/** A glob is shown in messages up to here, in characters. */
const SHOWN = 100;

function assertGlob(glob: string, fault: string | undefined, param: string, index: number): void {
  if (fault === undefined) return;
  const shown = glob.length > SHOWN ? `${glob.slice(0, SHOWN)}…` : glob;
  throw new IopipeError(
    "InvalidParams",
    `\`${param}\`, ${JSON.stringify(shown)}, matches nothing: ${fault}.`,
    {
      param,
      index,
      hint: "Globs are as git's `:(glob)`; a backslash before a special character takes it literally.",
    },
  );
}
