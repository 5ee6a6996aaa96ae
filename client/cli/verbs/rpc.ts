/** `rpc METHOD [JSON|-]`: calls anything; `rpc` alone joins stdin and stdout to the socket, for editors. */
import type { MethodName, Params } from "../../../protocol/methods/index.ts";
import { locate } from "../../../protocol/wire/locations.ts";
import { reachDaemon } from "../../connect.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../failure.ts";
import { printJson } from "../output.ts";
import { readStdin } from "../stdin.ts";

export async function rpc(context: Context, [method, text = "{}"]: string[]): Promise<void> {
  if (method === undefined) {
    await join(context);
    return;
  }
  const params = parse(text === "-" ? (await readStdin("the params")).toString("utf8") : text);
  // Any method, known to this version or not: the daemon checks both name and params.
  printJson(await context.call(method as MethodName, params as Params<MethodName>));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`The params are no JSON: ${(error as Error).message}`, "Give one JSON object.");
  }
}

/** Half-closes when stdin ends, so that the last answers still come; ends with the socket. */
async function join(context: Context): Promise<void> {
  const socket = await reachDaemon(locate(), context.role, true);
  context.signal.addEventListener("abort", () => socket.destroy());
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
  await new Promise<void>((resolve) => {
    socket.on("error", () => {});
    socket.once("close", () => resolve());
  });
  process.stdin.unref?.();
  process.stdin.destroy();
}
