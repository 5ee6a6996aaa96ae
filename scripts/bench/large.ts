/**
 * Patches of large files, from the upload to the undo, against copying the same file and syncing it.
 * Beside the times: how much the daemon's memory grows, and the longest that anybody else waits for an answer meanwhile.
 * One run each: a step's own cost is what the disk takes, which no repetition makes smaller.
 */
import { randomFillSync } from "node:crypto";
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { copyFile, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import type { Connection } from "../../client/index.ts";
import { type Bench, withDaemon } from "./daemon.ts";
import type { Row } from "./measure.ts";
import { startObserver } from "./observing.ts";

const MiB = 1024 * 1024;
const SIZES = { "10 MB": 10e6, "100 MB": 100e6, "1 GiB": 1024 * MiB };
/** Base, new content, the copy, two blobs and a temporary file. */
const COPIES = 6;
/** As the client uploads. */
const CHUNK_BYTES = MiB;

export function large(): Promise<Row[]> {
  return withDaemon(async (bench) => {
    const rows: Row[] = [];
    for (const [name, size] of Object.entries(SIZES)) {
      const { bavail, bsize } = statfsSync(bench.directory);
      if (bavail * bsize < COPIES * size) process.stdout.write(`${name}: left out, there is no room\n`);
      else rows.push(...(await oneSize(bench, name, size)));
    }
    return rows;
  });
}

async function oneSize(bench: Bench, name: string, size: number): Promise<Row[]> {
  const { directory, connection } = bench;
  const root = join(directory, `root-${size}`);
  const content = join(directory, "content");
  await mkdir(root);
  for (const file of [join(root, "file"), content]) makeFile(file, size);
  const { workspace } = await connection.call("workspace/open", { root });
  const session = await connection.openSession({ workspace: workspace.id });
  const observer = await startObserver(bench.env);
  const theirs = await timed(() => copyAndSync(content, join(directory, "copy")));
  const beside = await observer.slowest();
  let blob = "";
  let operation = "";
  const steps: Record<string, () => Promise<void>> = {
    upload: async () => {
      blob = await upload(connection, content);
    },
    stage: async () => void (await session.stage([{ kind: "write", path: "file", blob }])),
    apply: async () => {
      const { digest } = (await session.get()).session;
      const applied = await connection.call("session/apply", {
        ...{ session: session.id, expectedDigest: digest, confirmFullReplace: true },
      });
      operation = applied.operation.id;
    },
    undo: async () => void (await connection.call("operation/undo", { operation })),
  };
  const rows: Row[] = [];
  for (const [step, run] of Object.entries(steps)) {
    const ours = await timed(run);
    const slowest = await observer.slowest();
    const note = `memory +${(observer.growth() / MiB).toFixed(0)} MiB, slowest status ${ms(slowest)} (beside the copy ${ms(beside)})`;
    rows.push({ what: `${name} ${step}`, ours, peer: "copy + fsync", theirs, note });
  }
  await observer.stop();
  for (const path of [root, content, join(directory, "copy")]) rmSync(path, { recursive: true });
  return rows;
}

function makeFile(path: string, size: number): void {
  const bytes = randomFillSync(Buffer.alloc(MiB));
  const file = openSync(path, "w");
  for (let at = 0; at < size; at += bytes.length) {
    // No two pieces alike.
    bytes.writeDoubleLE(at);
    writeSync(file, bytes, 0, Math.min(bytes.length, size - at));
  }
  fsyncSync(file);
  closeSync(file);
}

async function copyAndSync(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const handle = await open(to, "r+");
  await handle.sync();
  await handle.close();
}

async function upload(connection: Connection, path: string): Promise<string> {
  const handle = await open(path);
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let begun: { upload?: string } = {};
  for (let offset = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) break;
    const data = buffer.toString("base64", 0, bytesRead);
    const { upload } = await connection.call("blob/write", { ...begun, offset, data });
    begun = { upload };
    offset += bytesRead;
  }
  await handle.close();
  const { blob } = await connection.call("blob/commit", { upload: begun.upload as string });
  return blob;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const ms = (time: number): string => `${time.toFixed(1)} ms`;
