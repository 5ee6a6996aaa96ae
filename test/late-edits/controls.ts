/**
 * Negative controls: promotions that leave something out, and the way of saving that suffers from it.
 * If no save of theirs is found to be lost, the verdict (judge.ts) proves nothing.
 */
import { isTemporaryName } from "../../daemon/disk/index.ts";
import type { Bout, Control } from "./promotions.ts";

/** A write into a file that was open when it was displaced goes with it. */
const withoutLastLook: Control = (port, isSweeping) => ({
  ...port,
  lstat: (dir, name) => (isSweeping() && isTemporaryName(name) ? undefined : port.lstat(dir, name)),
});

/** The window of swap.ts where names cannot be exchanged, a hundred times as wide. */
const slowToRename: Control = (port) => ({
  ...port,
  exchange: () => false,
  rename: (...names) => {
    const until = performance.now() + 2;
    while (performance.now() < until);
    port.rename(...names);
  },
});

export const CONTROLS: Readonly<Record<string, Omit<Bout, "promotions">>> = {
  "what was displaced swept without a look": { way: "append", files: 32, control: withoutLastLook },
  "two milliseconds between the last look and the rename": {
    way: "rename",
    files: 64,
    control: slowToRename,
  },
};
