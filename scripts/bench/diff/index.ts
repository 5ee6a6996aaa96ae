/**
 * Diffing: realistic edits of real files, and the pairs that differs find hardest, in the warm worker; beside
 * `git diff --no-index` (with the start of its process) and the package diff's structuredPatch, capped; and what
 * somebody else's small request waits meanwhile.
 */
import { startDiffer, warmUp } from "../../../daemon/staging/differ.ts";
import { makeDirectory } from "../../scratch/directory.ts";
import { statusBeside } from "./beside.ts";
import { realisticPairs } from "./corpus.ts";
import { type Engine, gitDiff, ours, structuredPatch, type Times } from "./engines.ts";
import { type Measured, printBeside, printMeasured } from "./report.ts";
import { type TextPair, worstCases } from "./worst.ts";

const CAP_MS = { quick: 1000, full: 15_000 };

export async function diff({ quick }: { readonly quick: boolean }): Promise<void> {
  const directory = makeDirectory();
  const differ = startDiffer({ workers: 1 });
  await warmUp(differ);
  const capMs = CAP_MS[quick ? "quick" : "full"];
  const engines = [ours(differ), gitDiff, structuredPatch(capMs)];
  for (const { size, pairs } of realisticPairs()) {
    const measured = await measure(quick ? pairs.slice(0, 4) : pairs, engines, directory);
    printMeasured(`${size}, ${measured.length} pairs`, measured, capMs);
  }
  const worst = worstCases();
  for (const pair of worst) printMeasured(pair.name, await measure([pair], engines, directory), capMs);
  await differ.close();
  printBeside(await statusBeside(worst));
}

async function measure(
  pairs: readonly TextPair[],
  engines: readonly Engine[],
  directory: string,
): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const pair of pairs) {
    const each: Times[] = [];
    for (const engine of engines) each.push(await engine(pair, directory));
    const [own, git, other] = each as [Times, Times, Times];
    measured.push({ ours: own.wall, cpu: own.cpu, git: git.wall, package: other.wall });
  }
  return measured;
}
