/**
 * Input from stdin, as bytes; never from a terminal, where it would look like a hang.
 */
import { UsageError } from "./failure.ts";

/** Reads stdin to its end. @throws {UsageError} when it is a terminal. */
export async function readStdin(what: string): Promise<Buffer> {
  if (process.stdin.isTTY === true)
    throw new UsageError(
      `This reads ${what} from stdin, and stdin is a terminal.`,
      "Pipe it in, or name a file.",
    );
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
