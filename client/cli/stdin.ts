/**
 * Input from stdin, as bytes; never from a terminal, where it would look like a hang, nor from another device: agents'
 * shells have /dev/null there, and nothing is not what was meant to be staged.
 */
import { fstatSync } from "node:fs";
import { UsageError } from "./failure.ts";

/** Reads stdin to its end. @throws {UsageError} with `hint` when it is a terminal or another character device. */
export async function readStdin(what: string, hint = "Pipe it in, or name a file."): Promise<Buffer> {
  const device = deviceOf(process.stdin);
  if (device !== undefined)
    throw new UsageError(`This reads ${what} from stdin, and stdin is ${device}.`, hint);
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function deviceOf({ isTTY, fd }: typeof process.stdin): string | undefined {
  if (isTTY === true) return "a terminal";
  return isDevice(fd) ? "/dev/null or another device" : undefined;
}

/** One that cannot be looked at says so itself when it is read. */
function isDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return false;
  }
}
