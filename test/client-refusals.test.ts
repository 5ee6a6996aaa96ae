/** What a client says of directories that are not this user's alone, of a start that somebody has claimed, of silence. */
import { chmodSync, existsSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { claimStart } from "../client/autostart.ts";
import { makePatience } from "../client/cli/patience.ts";
import { connect } from "../client/index.ts";
import { testHome } from "./fixture/server.ts";

// What is said of a silent daemon must not be of this user's own.
vi.stubEnv("IOPIPE_STATE_DIR", path.join(tmpdir(), crypto.randomUUID()));

const refusal = async (env: Record<string, string>) => await connect({ env }).catch((error) => error);

test("a socket's directory that is open to others, a link, or a file is not gone through, and no daemon is started", async () => {
  await using home = testHome();
  const directory = path.join(home.directory, "run");
  const env = { ...home.env, IOPIPE_RUNTIME_DIR: directory };
  mkdirSync(directory);
  chmodSync(directory, 0o750);
  expect(await refusal(env)).toMatchObject({
    kind: "AccessDenied",
    message: `The socket's directory ${directory} has mode 750.`,
    data: { directory, hint: expect.stringContaining("chmod 700") },
  });
  for (const make of [
    (place: string) => symlinkSync(directory, place),
    (place: string) => writeFileSync(place, ""),
  ]) {
    const place = path.join(home.directory, crypto.randomUUID());
    make(place);
    expect(await refusal({ ...home.env, IOPIPE_RUNTIME_DIR: place })).toMatchObject({
      kind: "AccessDenied",
      message: expect.stringContaining("is not a directory"),
    });
  }
  const loop = path.join(home.directory, "loop");
  symlinkSync(loop, loop);
  expect(await refusal({ ...home.env, IOPIPE_RUNTIME_DIR: path.join(loop, "run") })).toMatchObject({
    kind: "IoFailed",
    message: expect.stringMatching(/loop\/run\/iopiped\.sock failed with ELOOP/),
    data: { hint: expect.stringContaining("IOPIPE_RUNTIME_DIR") },
  });
  expect(existsSync(home.locations.stateDir)).toBe(false);
});

test("a start is claimed by one at a time; a dead client's claim is taken over", async () => {
  await using home = testHome();
  const { locations } = home;
  const release = claimStart(locations);
  expect(release).toBeTypeOf("function");
  expect(claimStart(locations)).toBeUndefined();
  release?.();
  release?.();
  const again = claimStart(locations);
  const claim = path.join(locations.stateDir, "starting");
  const aMinuteAgo = new Date(Date.now() - 60_000);
  utimesSync(claim, aMinuteAgo, aMinuteAgo);
  expect(claimStart(locations)).toBeTypeOf("function");
  again?.();
  expect(existsSync(claim)).toBe(false);
});

test.concurrent("silence is told once, and ends what waits: at the limit, or when it is interrupted", async () => {
  const never = new Promise<never>(() => {});
  const limited = makePatience(() => never, new AbortController().signal);
  limited.limit(3_000);
  await expect(limited.during(() => never)).rejects.toMatchObject({ kind: "Timeout" });
  const interrupt = new AbortController();
  const interrupted = makePatience(() => never, interrupt.signal);
  const waiting = interrupted.during(() => never);
  setTimeout(() => interrupt.abort(), 4_000);
  await expect(waiting).rejects.toMatchObject({ kind: "Cancelled" });
});

test.concurrent("a daemon that gives signs of life is waited for, however long its work takes", async () => {
  let asked = 0;
  const patience = makePatience(async () => {
    asked += 1;
    return true;
  }, new AbortController().signal);
  patience.limit(3_000);
  const { promise: work, resolve } = Promise.withResolvers<string>();
  setTimeout(() => resolve("done"), 5_000);
  expect(await patience.during(() => work)).toBe("done");
  expect(asked).toBeGreaterThan(0);
});

test("while it had no turn itself, as when it was stopped, it has waited for nobody", async () => {
  const patience = makePatience(() => new Promise(() => {}), new AbortController().signal);
  patience.limit(3_000);
  const cell = new Int32Array(new SharedArrayBuffer(4));
  // The answer is there when the turn comes; timers that are due are called first.
  const work = async (): Promise<string> => {
    await new Promise(setImmediate);
    const answer = readFile(import.meta.filename, "utf8");
    Atomics.wait(cell, 0, 0, 3_500);
    return await answer;
  };
  expect(await patience.during(work)).toContain("no turn itself");
});
