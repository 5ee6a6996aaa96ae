/**
 * Who gets to the daemon's sockets: nobody but its user, whatever the umask and whatever the mode of a socket itself;
 * and where a directory of its own would let anybody else in, it does not start. Source: watchman's test_sock_perms.
 */
import { execFile } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, renameSync, symlinkSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { spawnDaemon } from "../fixture/daemon.ts";
import { type TestHome, testHome } from "../fixture/server.ts";

/** Becoming somebody else takes root. */
const canBecome = process.getuid?.() === 0;
if (!canBecome) process.stderr.write("NOT TESTED: other users; this process may not become one.\n");

const SOMEBODY = 12345;

/** What connecting to a socket comes to for another user of the same group. */
async function connectAsOther(socket: string): Promise<string> {
  const program = `
    const { connect } = require("node:net");
    connect(process.argv[1], function () { console.log("connected"); this.destroy(); })
      .on("error", ({ code }) => console.log(code));`;
  const { stdout } = await promisify(execFile)("setpriv", [
    ...[`--reuid=${SOMEBODY}`, `--regid=${process.getgid?.()}`, "--clear-groups"],
    ...[process.execPath, "-e", program, socket],
  ]);
  return stdout.trim();
}

describe.runIf(canBecome)("another user", () => {
  test.for(["000", "022", "077"])("reaches no socket of a daemon with umask %s", async (umask) => {
    await using home = testHome();
    // All above is open; the daemon's own directories are what keeps others out.
    chmodSync(home.directory, 0o777);
    await using daemon = await spawnDaemon(home.env, ["sh", "-c", `umask ${umask} && exec "$@"`, "sh"]);
    expect(daemon.ready).toContain(home.locations.sockets.reviewer);
    for (const socket of Object.values(home.locations.sockets)) {
      expect(await connectAsOther(socket)).toBe("EACCES");
      chmodSync(socket, 0o777);
      expect(await connectAsOther(socket)).toBe("EACCES");
    }
  });
});

const DIRECTORIES: Readonly<Record<string, (home: TestHome) => string>> = {
  state: ({ locations }) => locations.stateDir,
  runtime: ({ locations }) => locations.runtimeDir,
  "proposers' socket": ({ locations }) => path.dirname(locations.sockets.proposer),
  "log's": ({ locations }) => path.dirname(locations.logFile),
};

const PROBLEMS: Readonly<Record<string, (directory: string) => void>> = {
  "open to its group": (directory) => chmodSync(directory, 0o750),
  "open to all who know names in it": (directory) => chmodSync(directory, 0o701),
  "another user's": (directory) => chownSync(directory, SOMEBODY, SOMEBODY),
  "a link to another": (directory) => {
    renameSync(directory, `${directory}-real`);
    symlinkSync(`${directory}-real`, directory);
  },
};

describe.for(Object.entries(DIRECTORIES))("with the %s directory", ([, directoryIn]) => {
  const possible = Object.entries(PROBLEMS).filter(([name]) => canBecome || name !== "another user's");
  test.concurrent.for(possible)("%s it does not start", async ([, spoil]) => {
    await using home = testHome();
    const directory = directoryIn(home);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    spoil(directory);
    const { code, stderr } = await spawnDaemon(home.env).catch((error) => error);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^iopiped: \S+ (is|belongs)\b.+\n$/)]);
    expect(stderr).toContain(directory);
  });
});
