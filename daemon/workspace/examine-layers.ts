/** What `doctor` says of layers: those that commands run in, and what is left of others. Looks only. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../../protocol/methods/index.ts";
import { identityOfProcess, layerPlace, processesIn } from "../layer/index.ts";
import { type Examined, layersOf } from "../store/index.ts";

const name = "layers";

export function examineLayers({ db, stateDir }: Examined): Finding[] {
  const rows = layersOf(db);
  const live = rows.filter(({ pid, process }) => process !== "" && identityOfProcess(pid) === process);
  const known = new Set(rows.map(({ session }) => session));
  const left = rows.filter((row) => !live.includes(row) && processesIn(row.session).length === 0);
  const directory = join(stateDir, "layers");
  const strays = (existsSync(directory) ? readdirSync(directory) : []).filter(
    (id) => !known.has(id) && processesIn(id).length === 0,
  );
  const wrong = [
    ...left.map(({ session }) => unstaged(stateDir, session)),
    ...strays.map((id) => stray(stateDir, id)),
  ];
  const running = rows.length - left.length;
  return wrong.length > 0
    ? wrong
    : [{ name, state: "ok", fact: `${running} in use, nothing left of others` }];
}

function unstaged(stateDir: string, session: string): Finding {
  const fact = `the command of session ${session} has ended, and what it wrote is not all staged`;
  const advice = `\`iopipectl run --resume ${session}\` stages it, or says why not; with --discard it is dropped.`;
  return { name, state: "warning", fact, path: layerPlace(stateDir, session).directory, advice };
}

function stray(stateDir: string, id: string): Finding {
  const { directory: path } = layerPlace(stateDir, id);
  return {
    name,
    state: "warning",
    fact: "a layer that no session has",
    path,
    advice: "The daemon's next start removes it.",
  };
}
