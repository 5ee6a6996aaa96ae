/**
 * `npm run bench [-- NAME… --plot --large --quick]`: how fast iopipe is beside something that is known, in the same
 * run, as ratios. Owns the list of benches; each says what its peer is. Absolute times are this machine's; nothing here
 * is asserted. The flags are those of the benches watch and diff (their index.ts); `--plot` alone means `watch --plot`.
 */
import { parseArgs } from "node:util";
import { changes, promotion } from "./bench/changes/index.ts";
import { commandLine } from "./bench/command-line.ts";
import { diff } from "./bench/diff/index.ts";
import { large } from "./bench/large.ts";
import { many } from "./bench/many.ts";
import { print, type Row } from "./bench/measure.ts";
import { roundTrip } from "./bench/round-trip.ts";
import { run } from "./bench/run.ts";
import { watch } from "./bench/watch/index.ts";

const OFF = { type: "boolean", default: false } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { plot: OFF, large: OFF, quick: OFF },
});

const medians = (bench: () => Promise<Row[]>) => async () => print(await bench());

const BENCHES: Readonly<Record<string, () => Promise<void>>> = {
  "round-trip": medians(roundTrip),
  "command-line": medians(commandLine),
  changes: medians(changes),
  promotion: medians(promotion),
  run: medians(run),
  diff: () => diff(values),
  many: medians(many),
  large: medians(large),
  watch: () => watch(values),
};

const asked = values.plot && positionals.length === 0 ? ["watch"] : positionals;
const unknown = asked.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  process.stderr.write(
    `bench: no bench ${unknown.join(", ")}; there are ${Object.keys(BENCHES).join(", ")}\n`,
  );
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : Object.keys(BENCHES)) {
  process.stdout.write(`\n${name}\n`);
  await BENCHES[name]?.();
}
