/**
 * The environment of a command that runs over staged content. What makes the layer has capabilities that the command must
 * not get, and looks programs and libraries up while what is staged is there already: a proposal of `bin/mount` must not
 * be found by it. So it gets none of the variables by which such things are found, but for a PATH without the workspace;
 * the command gets its own back, by env(1), when it is confined.
 */
import { realpathSync } from "node:fs";
import { isAbsolute } from "node:path";

/** Where programs, shared objects and what loads them are looked up. Source: ld.so(8), environ(7), gconv. */
const FINDING = /^(PATH|LD_.*|GCONV_PATH|LOCPATH|NLSPATH|ENV|BASH_ENV|GLIBC_TUNABLES)$/;

/** Where util-linux is on most systems. */
const USUAL = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface Parted {
  /** For what makes the layer. */
  readonly outer: Record<string, string>;
  /** The command as it is run in there. */
  readonly command: string[];
}

/** Parts `env` for a command over the workspace at `root`. */
export function partEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  root: string,
  command: readonly string[],
): Parted {
  const set = Object.entries(env).filter((each): each is [string, string] => each[1] !== undefined);
  const kept = set.filter(([name]) => !FINDING.test(name));
  const given = set.filter(([name]) => FINDING.test(name)).map(([name, value]) => `${name}=${value}`);
  const safe = [...(env.PATH ?? "").split(":"), ...USUAL.split(":")].filter((each) => isOutside(each, root));
  const outer = { ...Object.fromEntries(kept), PATH: [...new Set(safe)].join(":") };
  return { outer, command: ["env", ...given, ...command] };
}

function isOutside(directory: string, root: string): boolean {
  if (!isAbsolute(directory)) return false;
  try {
    return !`${realpathSync(directory)}/`.startsWith(`${root}/`);
  } catch {
    return false;
  }
}
