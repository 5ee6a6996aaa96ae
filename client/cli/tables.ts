/**
 * Sessions, patches and operations as lines for a person. Everything that comes from elsewhere is made visible here.
 */
import type { FileStatus, Operation, Patch, Session, Verdict } from "../../protocol/methods/index.ts";
import { colour, count, short } from "./output.ts";
import { visible } from "./visible.ts";
import { toWidth, widthOf } from "./width.ts";

export function sessionLine(session: Session): string {
  const { id, title, agent, state, ready, layer, patches, message, verdicts = [] } = session;
  const parts = (["pending", "stale", "applied", "discarded"] as const)
    .filter((each) => patches[each] > 0)
    .map((each) => `${patches[each]} ${each}`);
  const author = agent === undefined ? "" : ` (${visible(agent)})`;
  const words = message === undefined ? "" : `: ${visible(message)}`;
  const flag = layer ? layerFlag(layer) : ready ? colour("green", " ready") : "";
  const numbers = parts.join(", ") || "empty";
  return `${colour("yellow", short(id))}  ${state}${flag}  ${numbers}  ${visible(title) || "untitled"}${author}${words}${said(verdicts)}`;
}

function layerFlag({ problem }: NonNullable<Session["layer"]>): string {
  return problem === undefined ? colour("cyan", " running") : colour("red", " not staged");
}

/** A session with what it takes to get on with it, where what a command wrote in it stands unstaged. */
export function sessionLines(session: Session): string[] {
  const { id, layer } = session;
  if (layer?.problem === undefined) return [sessionLine(session)];
  return [
    sessionLine(session),
    `  not staged: ${visible(layer.problem)}`,
    `  iopipectl run --resume ${id} stages it (with --max-size SIZE), iopipectl discard --session ${short(id)} drops it`,
  ];
}

/** The newest verdicts, in a word each. */
function said(verdicts: readonly Verdict[]): string {
  const words = verdicts.map(
    (verdict) => `${nameOf(verdict)} ${visible(verdict.void ? "void" : verdict.outcome)}`,
  );
  return words.length === 0 ? "" : `  [${words.join(", ")}]`;
}

function nameOf({ check, command }: Verdict): string {
  return visible(check ?? command.join(" ").slice(0, 60));
}

const VOID: Readonly<Record<string, string>> = {
  staged: "void: something else is staged now",
  tree: "void: the tree has changed since",
};

export function verdictLine(verdict: Verdict): string {
  const { outcome, exitCode, durationMs, void: fallen } = verdict;
  const status = outcome === "failed" && exitCode !== undefined ? ` (exit ${exitCode})` : "";
  const word = colour(outcome === "passed" && !fallen ? "green" : "red", `${visible(outcome)}${status}`);
  const left = fallen === undefined ? "" : `  ${VOID[fallen] ?? visible(fallen)}`;
  return `${nameOf(verdict)}  ${word}  ${(durationMs / 1000).toFixed(1)} s${left}`;
}

export function patchLine({
  id,
  path,
  from,
  kind,
  state,
  reason,
  added,
  removed,
  binary,
  ...rest
}: Patch): string {
  const way = from === undefined ? visible(path) : `${visible(from)} → ${visible(path)}`;
  const why = reason === undefined ? state : `${state} (${reason})`;
  const size = binary ? "binary" : `+${added} −${removed}`;
  const decision = rest.decision === "undecided" ? "" : ` ${rest.decision}`;
  const words = rest.note === undefined ? "" : `: ${visible(rest.note)}`;
  const risk = rest.risk?.score ? `  ${colour(riskColour(rest.risk.score), `risk ${rest.risk.score}`)}` : "";
  return `${colour("yellow", short(id))}  ${kind.padEnd(7)} ${way}  ${size}  ${why}${decision}${risk}${words}`;
}

/** A patch with what speaks for a closer look at it. */
export function patchLines(patch: Patch): string[] {
  const risks = patch.risk?.reasons.map((reason) => `  risk: ${reason}`) ?? [];
  return [patchLine(patch), ...risks, ...patch.conflicts.map(conflictLine)];
}

function conflictLine({ session, path, ranges }: Patch["conflicts"][number]): string {
  const who = session === undefined ? "another session" : `session ${short(session)}`;
  const lines = ranges.map(({ start, end }) => (start === end ? `${start}` : `${start}-${end}`)).join(", ");
  return `  conflicts with ${who}: ${visible(path)}${lines && `, lines ${lines}`}`;
}

function riskColour(score: number): "yellow" | "red" {
  return score < 40 ? "yellow" : "red";
}

export function operationLine({
  id,
  kind,
  state,
  startedAt,
  title,
  agent,
  undoes,
  files,
}: Operation): string {
  const what = undoes === undefined ? kind : `${kind} of ${short(undoes)}`;
  const author = agent === undefined ? "" : ` (${visible(agent)})`;
  const when = visible(startedAt.replace("T", " ").replace(/\..*$/, ""));
  return `${colour("yellow", short(id))}  ${when}  ${what}  ${state}  ${count(files.length, "file")}  ${visible(title ?? "")}${author}`;
}

/** As `git diff --stat`: one line a file. */
export function statLines(files: readonly (FileStatus | Patch)[]): string[] {
  const ways = files.map(({ path, from }) =>
    from === undefined ? visible(path) : `${visible(from)} → ${visible(path)}`,
  );
  const widest = ways.reduce((most, way) => Math.max(most, widthOf(way)), 0);
  return files.map((file, at) => {
    const { added, removed, binary } = file;
    const status = "status" in file ? file.status : file.kind;
    const size = binary ? "binary" : `${colour("green", `+${added}`)} ${colour("red", `−${removed}`)}`;
    return `${status.padEnd(7)} ${toWidth(ways[at] ?? "", widest)}  ${size}`;
  });
}
