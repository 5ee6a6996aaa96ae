/**
 * What a command has changed of directories and no patch can say: their modes and owners. An apply leaves those that are
 * there as they are, and makes new ones with the daemon's umask.
 */
import { modeOf, parentOf, type Stat } from "../disk/index.ts";

/** Why a directory cannot be staged as it is; `below` is that of the tree, undefined where it is new. */
export type AboutDirectory = (path: string, stat: Stat, below: Stat | undefined) => string | undefined;

/** To be asked for directories before those below them: of new ones with the same mode the uppermost is told. */
export function aboutDirectories(): AboutDirectory {
  const modes = new Map<string, number>();
  return (path, stat, below) => {
    const mode = modeOf(stat);
    if (below) return changed(stat, below);
    modes.set(path, mode);
    const made = 0o777 & ~process.umask();
    // The set-group-ID bit comes from the directory above, here as there.
    if ((mode & ~0o2000) === made || modes.get(parentOf(path)) === mode) return undefined;
    return `a new directory's mode (${octal(mode)}; an apply makes it with ${octal(made)})`;
  };
}

function changed(stat: Stat, below: Stat): string | undefined {
  const [mode, before] = [modeOf(stat), modeOf(below)];
  if (mode !== before) return `a directory's mode (${octal(mode)} instead of ${octal(before)})`;
  return stat.uid === below.uid && stat.gid === below.gid ? undefined : "a directory's owner";
}

function octal(mode: number): string {
  return mode.toString(8).padStart(3, "0");
}
