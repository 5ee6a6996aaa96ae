/**
 * Promotions of files that an editor in another process is saving meanwhile, and what became of each save.
 * They are made in this process with a real store, each from what is there at the moment, and the files are many, so that
 * most of them meet no save and thousands take seconds. Owns the directories and the editor. The verdict is judge.ts.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { isTemporaryName, openTree, type Port } from "../../daemon/disk/index.ts";
import type { PromotionRequest } from "../../daemon/promotion/index.ts";
import type { OperationRow } from "../../daemon/store/index.ts";
import { isKind } from "../../protocol/wire/errors.ts";
import { type House, openHouse, QUICK, type Root } from "../promotion/house.ts";
import type { Run, Way } from "./editor.ts";
import { judge, type Verdict } from "./judge.ts";
import { openWatch } from "./swaps.ts";

export interface Bout {
  readonly way: Way;
  /** Promotions that are to be applied. */
  readonly promotions: number;
  /** Fewer of them meet an edit more often. */
  readonly files: number;
  readonly control?: Control | undefined;
}

/** A promotion that leaves something out: saves must be found to be lost, or nothing is proven. */
export type Control = (port: Port, isSweeping: () => boolean) => Port;

export interface Report extends Verdict {
  readonly applied: number;
  readonly undone: number;
  /** Met an edit, and changed nothing. */
  readonly refused: number;
  /** Put back in part, since an edit was in the way. */
  readonly needsAttention: number;
  /** Files of ours that are left. */
  readonly debris: number;
  readonly seconds: number;
}

type Tally = Record<"applied" | "undone" | "refused" | "needsAttention", number>;

const EDITOR = join(import.meta.dirname, "editor.ts");

export const WAYS: readonly Way[] = ["append", "truncate", "rename"];

/** Gives up, with fewer promotions applied, after so long for each of them. */
const LONGEST_MS = 100;

const SOUND: Control = (port) => port;

export async function holdBout({ way, promotions, files, control = SOUND }: Bout): Promise<Report> {
  const started = Date.now();
  const house = openHouse(QUICK);
  const root = house.root(Object.fromEntries(Array.from({ length: files }, (_, n) => [n, "first\n"])));
  const editor = spawn(process.execPath, [EDITOR, way, root.path, String(files)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const watch = openWatch();
  const tally: Tally = { applied: 0, undone: 0, refused: 0, needsAttention: 0 };
  try {
    await once(editor.stdout, "readable");
    const told = text(editor.stdout);
    const until = started + promotions * LONGEST_MS;
    for (let n = 0; tally.applied < promotions && Date.now() < until; n++)
      await promoteSome({ house, root, port: watch.port, control }, tally, n, files);
    editor.stdin.end();
    const runs = JSON.parse(await told) as Run[];
    const verdict = await judge(house.store, root, runs, way, watch.swaps);
    const debris = readdirSync(root.path).filter(isTemporaryName).length;
    return { ...tally, ...verdict, debris, seconds: (Date.now() - started) / 1000 };
  } finally {
    editor.kill("SIGKILL");
    house.close();
  }
}

interface Place {
  readonly house: House;
  readonly root: Root;
  readonly port: Port;
  readonly control: Control;
}

/** Replaces one to three files, and takes each fourth time back what it did. */
async function promoteSome(place: Place, tally: Tally, n: number, files: number): Promise<void> {
  const { house, root } = place;
  const paths = new Set(Array.from({ length: 1 + (n % 3) }, () => String(Math.floor(Math.random() * files))));
  try {
    const changes = [...paths].map((path) => house.change(root, path, `proposal ${n}\n`));
    const operation = await house.apply(root, await Promise.all(changes), means(place));
    count(tally, "applied", operation);
    if (n % 4 === 0 && operation.phase === "applied")
      count(tally, "undone", await house.undo(root, operation, undefined, means(place)));
  } catch (error) {
    const isRefusal =
      isKind(error, "Stale", "Conflict", "Busy") || (error as Error).message === "ModifiedSince";
    if (!isRefusal) throw error;
    tally.refused++;
  }
}

/** What one promotion is made with. */
function means({ root, port, control }: Place): Pick<PromotionRequest, "tree" | "progress"> {
  let isSweeping = false;
  return {
    tree: openTree(
      root.path,
      [],
      control(port, () => isSweeping),
    ),
    progress: (phase) => {
      isSweeping = phase === "finish";
    },
  };
}

function count(tally: Tally, what: "applied" | "undone", { phase }: OperationRow): void {
  tally[phase === "applied" ? what : "needsAttention"]++;
}

/** One line for a person. */
export function describe(bout: Bout, { raced, lost, seconds, ...counts }: Report): string {
  const numbers = { ...counts, raced: raced.length, lost: lost.length };
  return `saved by ${bout.way}, ${bout.files} files: ${JSON.stringify(numbers)}, ${seconds.toFixed(1)} s`;
}
