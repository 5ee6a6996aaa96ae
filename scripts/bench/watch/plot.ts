/**
 * The latencies as a picture: for each load, what share of the writes was reported within how long. A curve that does
 * not reach the top lost some. Plain SVG, made of what was measured in this run.
 */
import type { Measured } from "./report.ts";
import { percentile } from "./statistics.ts";

const PANEL = { width: 330, height: 190, left: 44, top: 34, right: 12, bottom: 34 };
const COLUMNS = 2;
const HEAD = 52;
const AXIS_MS = [0.1, 1, 10, 100, 1000, 3000];
const SHARES = [0, 50, 100];
/** Told apart by those who do not see all colours too (Okabe and Ito). */
const COLOURS = ["#0072b2", "#e69f00", "#cc79a7", "#009e73", "#d55e00"];

/** The picture of all that was measured, as the text of an SVG file. */
export function plot(measured: readonly Measured[]): string {
  const names = [...(measured[0]?.samples.keys() ?? [])];
  const width = COLUMNS * PANEL.width;
  const height = HEAD + Math.ceil(measured.length / COLUMNS) * PANEL.height;
  const panels = measured.map((one, n) => {
    const [x, y] = [(n % COLUMNS) * PANEL.width, HEAD + Math.floor(n / COLUMNS) * PANEL.height];
    return `<g transform="translate(${x} ${y})">\n${panel(one, names)}\n</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title" font-family="sans-serif" font-size="11">`,
    '<title id="title">How soon one write is reported, by each watcher and under each load</title>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    label(
      PANEL.left,
      18,
      "Writes reported within … ms (share of all, one at a time, in a tree of 1,000 files)",
      13,
    ),
    ...names.map((name, n) => legend(name, n)),
    ...panels,
    "</svg>\n",
  ].join("\n");
}

function panel({ load, samples }: Measured, names: readonly string[]): string {
  const curves = names.map((name, n) => {
    const { HIGH = [], MED = [] } = samples.get(name) ?? {};
    return `<path d="${curve([...HIGH, ...MED])}" fill="none" stroke="${COLOURS[n]}" stroke-width="1.8"/>`;
  });
  const [bottom, right] = [yOf(0), PANEL.width - PANEL.right];
  return [
    label(PANEL.left, PANEL.top - 10, load.name, 12),
    ...AXIS_MS.map(
      (ms) => line(xOf(ms), yOf(100), xOf(ms), bottom) + tick(xOf(ms), bottom + 14, `${ms}`, "middle"),
    ),
    ...SHARES.map(
      (share) =>
        line(PANEL.left, yOf(share), right, yOf(share)) +
        tick(PANEL.left - 6, yOf(share) + 4, `${share} %`, "end"),
    ),
    ...curves,
  ].join("\n");
}

/** A step for each percent; what was lost has none. */
function curve(times: readonly number[]): string {
  const points = Array.from({ length: 100 }, (_, n) => [percentile(times, n + 1), n + 1] as const);
  const reported = points.filter(([ms]) => Number.isFinite(ms));
  const [first] = reported;
  if (!first) return "";
  const steps = reported.map(([ms, share]) => `H${xOf(ms)}V${yOf(share)}`);
  return `M${xOf(first[0])} ${yOf(0)}${steps.join("")}`;
}

function xOf(ms: number): number {
  const [least, most] = [AXIS_MS[0] as number, AXIS_MS.at(-1) as number];
  const share = Math.log(Math.max(ms, least) / least) / Math.log(most / least);
  return rounded(PANEL.left + share * (PANEL.width - PANEL.left - PANEL.right));
}

const yOf = (share: number): number =>
  rounded(PANEL.height - PANEL.bottom - (share / 100) * (PANEL.height - PANEL.top - PANEL.bottom));

const rounded = (value: number): number => Math.round(value * 10) / 10;

function legend(name: string, n: number): string {
  const x = PANEL.left + n * 130;
  return `<rect x="${x}" y="30" width="14" height="4" fill="${COLOURS[n]}"/>${label(x + 20, 36, name, 11)}`;
}

const label = (x: number, y: number, text: string, size: number): string =>
  `<text x="${x}" y="${y}" font-size="${size}" fill="#222">${text}</text>`;

const tick = (x: number, y: number, text: string, anchor: string): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="#666" font-size="10">${text}</text>`;

const line = (x1: number, y1: number, x2: number, y2: number): string =>
  `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#ddd"/>`;
