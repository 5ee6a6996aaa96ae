import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { makeDirectories } from "../daemon/rpc/directories.ts";
import { isKind, locate, MAX_SOCKET_PATH_BYTES } from "../protocol/wire/index.ts";
import { rawClient, startTestServer, testHome } from "./fixture/server.ts";

const HANDLERS = { "workspace/list": () => ({ workspaces: [] }) };
const REPUBLISH_MS = 20;

/** What `work` is refused with. */
async function refusal(work: () => unknown) {
  try {
    await work();
  } catch (error) {
    if (isKind(error)) return { kind: error.kind, message: error.message, hint: error.data.hint };
    throw error;
  }
  throw new Error("it was not refused");
}

test("directories are made for their owner alone, whatever the umask", async () => {
  await using home = testHome();
  const { stateDir, runtimeDir, sockets, logFile } = home.locations;
  const umask = process.umask(0);
  makeDirectories(home.locations);
  process.umask(umask);
  for (const directory of [stateDir, runtimeDir, path.dirname(sockets.proposer), path.dirname(logFile)])
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  makeDirectories(home.locations);
});

test.each(["stateDir", "runtimeDir"] as const)("a %s that is a symlink is refused", async (which) => {
  await using home = testHome();
  const real = path.join(home.directory, "real");
  mkdirSync(real, { mode: 0o700 });
  mkdirSync(path.dirname(home.locations[which]), { recursive: true, mode: 0o700 });
  symlinkSync(real, home.locations[which]);
  const { kind, message } = await refusal(() => makeDirectories(home.locations));
  expect([kind, message]).toEqual(["AccessDenied", `${home.locations[which]} is a symlink.`]);
  expect(readdirSync(real)).toEqual(which === "stateDir" ? [] : expect.anything());
});

test.each([0o755, 0o770, 0o701])("a directory with mode %o is refused, with what to do", async (mode) => {
  await using home = testHome();
  mkdirSync(home.locations.stateDir, { mode: 0o700 });
  chmodSync(home.locations.stateDir, mode);
  expect(await refusal(() => makeDirectories(home.locations))).toEqual({
    kind: "AccessDenied",
    message: `${home.locations.stateDir} is open to group or others (mode ${mode.toString(8)}).`,
    hint: `Run: chmod 700 ${home.locations.stateDir}`,
  });
});

test.runIf(process.getuid?.() === 0)("a directory of another user is refused", async () => {
  await using home = testHome();
  mkdirSync(home.locations.stateDir, { mode: 0o700 });
  chownSync(home.locations.stateDir, 12345, 12345);
  const { message } = await refusal(() => makeDirectories(home.locations));
  expect(message).toBe(`${home.locations.stateDir} belongs to user 12345, not to 0.`);
});

test("a file in a directory's place, a link to nothing and a place that cannot be made are refused", async () => {
  await using home = testHome();
  writeFileSync(home.locations.stateDir, "");
  expect(await refusal(() => makeDirectories(home.locations))).toMatchObject({ kind: "AccessDenied" });
  rmSync(home.locations.stateDir);
  symlinkSync("nowhere", home.locations.stateDir);
  expect((await refusal(() => makeDirectories(home.locations))).message).toMatch(/cannot be made|symlink/);
  writeFileSync(path.join(home.directory, "file"), "");
  const impossible = locate({ IOPIPE_STATE_DIR: path.join(home.directory, "file/state") });
  expect((await refusal(() => makeDirectories(impossible))).message).toMatch(/cannot be made \(E/);
});

test("a socket's path may have 103 bytes and no more", async () => {
  await using home = testHome();
  const beside = "/propose/iopiped.sock".length;
  const name = "ü".repeat(40);
  const runtimeDir = (bytes: number): string => {
    const start = path.join(home.directory, name.slice(0, 10));
    return start + "x".repeat(bytes - beside - Buffer.byteLength(start));
  };
  const locations = (bytes: number) => locate({ ...home.env, IOPIPE_RUNTIME_DIR: runtimeDir(bytes) });
  const tooLong = locations(MAX_SOCKET_PATH_BYTES + 1);
  expect(await refusal(() => makeDirectories(tooLong))).toMatchObject({
    kind: "NameTooLong",
    message: expect.stringContaining("has 104 bytes; sockets may have 103"),
    hint: expect.stringContaining("IOPIPE_RUNTIME_DIR"),
  });
  expect(existsSync(tooLong.runtimeDir)).toBe(false);
  const longest = { ...home, locations: locations(MAX_SOCKET_PATH_BYTES) };
  await using server = await startTestServer(HANDLERS, { home: longest });
  expect((await (await server.connect("proposer")).request("workspace/list")).result).toEqual({
    workspaces: [],
  });
});

test("sockets are 0600 and nothing else is left beside them", async () => {
  await using server = await startTestServer(HANDLERS);
  const { sockets, runtimeDir, daemonFile } = server.home.locations;
  for (const socket of Object.values(sockets)) expect(lstatSync(socket).mode & 0o777).toBe(0o600);
  expect(lstatSync(daemonFile).mode & 0o777).toBe(0o600);
  expect(readdirSync(runtimeDir).sort()).toEqual(["iopiped.sock", "propose"]);
  expect(readdirSync(path.dirname(sockets.proposer))).toEqual(["iopiped.sock"]);
  expect(JSON.parse(readFileSync(daemonFile, "utf8"))).toMatchObject({ pid: process.pid, sockets });
});

test("stopping takes the sockets and daemon.json away", async () => {
  await using home = testHome();
  const server = await startTestServer(HANDLERS, { home });
  await server[Symbol.asyncDispose]();
  expect(readdirSync(home.locations.stateDir).sort()).toEqual(["log", "run"]);
  expect(readdirSync(home.locations.runtimeDir)).toEqual(["propose"]);
});

/** A socket as a killed daemon leaves it: bound once, served by nobody. */
async function deadSocket(at: string): Promise<void> {
  const server = createServer().listen(`${at}2`);
  await once(server, "listening");
  // Under another name its close() does not take it away.
  renameSync(`${at}2`, at);
  server.close();
}

test("sockets that nobody serves any more are taken over", async () => {
  await using home = testHome();
  makeDirectories(home.locations);
  for (const socket of Object.values(home.locations.sockets)) await deadSocket(socket);
  await using server = await startTestServer(HANDLERS, { home });
  for (const role of ["reviewer", "proposer"] as const)
    expect((await (await server.connect(role)).request("workspace/list")).result).toEqual({ workspaces: [] });
});

test("a socket that another daemon serves is left alone, and the refusal says whose it is", async () => {
  await using one = await startTestServer({
    ...HANDLERS,
    "daemon/status": () => ({ pid: 42, instance: "other", stateDir: "/elsewhere" }) as never,
  });
  await using home = testHome();
  const { sockets } = one.home.locations;
  const inode = lstatSync(sockets.reviewer).ino;
  const locations = { ...home.locations, sockets, runtimeDir: one.home.locations.runtimeDir };
  expect(await refusal(() => startTestServer(HANDLERS, { home: { ...home, locations } }))).toMatchObject({
    kind: "Busy",
    message: `${sockets.reviewer} is served by the iopiped with pid 42, whose state is in /elsewhere.`,
  });
  expect(lstatSync(sockets.reviewer).ino).toBe(inode);
  expect(existsSync(locations.daemonFile)).toBe(false);
});

test("a socket behind which something says nothing is left alone", async () => {
  await using home = testHome();
  makeDirectories(home.locations);
  const mute = createServer((socket) => socket.end()).listen(home.locations.sockets.proposer);
  await once(mute, "listening");
  const { message } = await refusal(() => startTestServer(HANDLERS, { home }));
  expect(message).toContain("served by a process that does not say who it is");
  expect(existsSync(home.locations.sockets.reviewer)).toBe(false);
  mute.close();
});

test("a file in a socket's place is left alone", async () => {
  await using home = testHome();
  makeDirectories(home.locations);
  writeFileSync(home.locations.sockets.reviewer, "precious");
  expect(await refusal(() => startTestServer(HANDLERS, { home }))).toMatchObject({ kind: "NotAFile" });
  expect(readFileSync(home.locations.sockets.reviewer, "utf8")).toBe("precious");
});

test("what is deleted under a live daemon is published again, and old connections live on", async () => {
  await using server = await startTestServer(HANDLERS, { republishMs: REPUBLISH_MS });
  const { sockets, runtimeDir, daemonFile } = server.home.locations;
  const before = await server.connect();
  rmSync(runtimeDir, { recursive: true });
  rmSync(daemonFile);
  await vi.waitFor(async () => {
    for (const socket of Object.values(sockets)) {
      const client = await rawClient(socket);
      expect((await client.request("workspace/list")).result).toEqual({ workspaces: [] });
      client.destroy();
    }
    expect(existsSync(daemonFile)).toBe(true);
  }, 20_000);
  expect(lstatSync(sockets.reviewer).mode & 0o777).toBe(0o600);
  expect((await before.request("workspace/list")).result).toEqual({ workspaces: [] });
});

test("a name that another daemon has taken meanwhile stays that daemon's, also at the end", async () => {
  await using home = testHome();
  const one = await startTestServer(HANDLERS, { home, republishMs: REPUBLISH_MS });
  const { reviewer } = home.locations.sockets;
  const other = createServer((socket) => socket.end("{}\n")).listen(`${reviewer}2`);
  await once(other, "listening");
  renameSync(`${reviewer}2`, reviewer);
  const inode = lstatSync(reviewer).ino;
  await new Promise((resolve) => setTimeout(resolve, REPUBLISH_MS * 5));
  expect(lstatSync(reviewer).ino).toBe(inode);
  await one[Symbol.asyncDispose]();
  expect(lstatSync(reviewer).ino).toBe(inode);
  other.close();
});

test("daemon.json of another daemon is not removed", async () => {
  await using home = testHome();
  const server = await startTestServer(HANDLERS, { home });
  writeFileSync(home.locations.daemonFile, '{"instance":"another"}');
  await server[Symbol.asyncDispose]();
  expect(readFileSync(home.locations.daemonFile, "utf8")).toBe('{"instance":"another"}');
});
