/**
 * `npm run bench [-- NAME…]`: how fast iopipe is beside something that is known, in the same run, as ratios.
 * Owns the list of benches; each says what its peer is. Absolute times are this machine's; nothing here is asserted.
 */
import { changes, promotion } from "./bench/changes/index.ts";
import { commandLine } from "./bench/command-line.ts";
import { large } from "./bench/large.ts";
import { print, type Row } from "./bench/measure.ts";
import { roundTrip } from "./bench/round-trip.ts";

const BENCHES: Readonly<Record<string, () => Promise<Row[]>>> = {
  "round-trip": roundTrip,
  "command-line": commandLine,
  changes,
  promotion,
  large,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  process.stderr.write(
    `bench: no bench ${unknown.join(", ")}; there are ${Object.keys(BENCHES).join(", ")}\n`,
  );
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : Object.keys(BENCHES)) {
  process.stdout.write(`\n${name} (medians)\n`);
  print(await (BENCHES[name] as () => Promise<Row[]>)());
}
