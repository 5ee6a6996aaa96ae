/**
 * Signals for a command that runs in a layer, which is some processes below the one that was started.
 * RACE: a process ends, and its number is another's before it is signalled. Worst case: that one, of the same user, gets
 * the signal; numbers come round after thousands of others.
 */
import { readdirSync, readFileSync } from "node:fs";

/** How long a command that has to end may take for it. */
const GRACE_MS = 2000;

/** Signals the command `depth` processes below `pid`. Before it has begun there is nobody to be asked: the layer ends. */
export function passOn(pid: number, depth: number, signal: NodeJS.Signals): void {
  const command = commandBelow(pid, depth);
  if (command === undefined) send(pid, "SIGKILL");
  else send(command, signal);
}

/** As ^C, which reaches what the command has started too; by force, unless it has ended in time (`over`). */
export function interruptAll(pid: number, depth: number, over: AbortSignal): void {
  const all = (signal: NodeJS.Signals): void => {
    const command = commandBelow(pid, depth);
    for (const each of command === undefined ? [] : withDescendants(command)) send(each, signal);
    if (command === undefined) send(pid, "SIGKILL");
  };
  all("SIGINT");
  const timer = setTimeout(all, GRACE_MS, "SIGKILL");
  over.addEventListener("abort", () => clearTimeout(timer));
}

function commandBelow(pid: number, depth: number): number | undefined {
  let found: number | undefined = pid;
  for (let at = 0; at < depth && found !== undefined; at++) [found] = childrenOf(found);
  return found;
}

function withDescendants(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(withDescendants)];
}

/** Of all its threads; none where /proc does not say. proc_tid_children(5). */
function childrenOf(pid: number): number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const texts = threads.map((id) => readFileSync(`/proc/${pid}/task/${id}/children`, "utf8"));
    return texts.flatMap((text) => text.split(" ").filter(Boolean).map(Number));
  } catch {
    return [];
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}
