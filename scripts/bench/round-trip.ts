/** One small request and its answer over the socket, against a bare server that echoes lines. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { withDaemon } from "./daemon.ts";
import { compare, type Row } from "./measure.ts";

const CALLS = 2000;
const ROUNDS = 9;

const ECHO = `
  const server = require("node:net").createServer((socket) => socket.pipe(socket));
  server.listen(process.argv[1], () => console.log("ready"));
  process.stdin.on("end", () => process.exit()).resume();
`;

export function roundTrip(): Promise<Row[]> {
  return withDaemon(async ({ directory, connection }) => {
    const path = join(directory, "echo.sock");
    const echo = spawn(process.execPath, ["-e", ECHO, path], { stdio: ["pipe", "pipe", "inherit"] });
    await once(echo.stdout, "data");
    const theirs = createConnection(path);
    const { sockets } = await connection.call("daemon/status", {});
    const ours = createConnection(sockets.reviewer);
    const line = '{"jsonrpc":"2.0","id":1,"method":"workspace/list"}\n';
    try {
      const row = await compare(
        `${CALLS} round trips`,
        { name: "iopiped", run: () => exchange(ours, line) },
        { name: "bare echo server", run: () => exchange(theirs, line) },
        ROUNDS,
      );
      return [{ ...row, what: "round trip", ours: row.ours / CALLS, theirs: row.theirs / CALLS }];
    } finally {
      ours.destroy();
      theirs.destroy();
      echo.stdin.end();
    }
  });
}

/** One line out, one line in, CALLS times. */
function exchange(socket: Socket, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let answered = 0;
    const take = (chunk: Buffer): void => {
      if (chunk.at(-1) !== 0x0a) return;
      answered++;
      if (answered < CALLS) socket.write(line);
      else {
        socket.off("data", take);
        resolve();
      }
    };
    socket.on("data", take).once("error", reject);
    socket.write(line);
  });
}
