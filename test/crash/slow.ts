/**
 * Preloaded into a daemon (`node --import`): what it publishes with takes milliseconds, so that a death at a random moment
 * meets a promotion that is being published; at full speed one in fifty does.
 */
import { portOf } from "../../daemon/disk/platform.ts";
import type { Port } from "../../daemon/disk/port.ts";

const SLOW_MS = 2;

const cell = new Int32Array(new SharedArrayBuffer(4));
const port = portOf(process.platform);

for (const call of ["rename", "link", "exchange"] as const) {
  const fast = port[call] as Port["exchange"];
  const slow: Port["exchange"] = (...names) => {
    const answer = fast(...names);
    Atomics.wait(cell, 0, 0, SLOW_MS);
    return answer;
  };
  Object.assign(port, { [call]: slow });
}
