/** `cat PATH`: a file as the session sees it; the disk's where nothing is staged. */
import { chooseOrLook } from "../choose.ts";
import type { Context } from "../context.ts";
import { printJson } from "../output.ts";
import { visibleLines } from "../visible.ts";

export async function cat(context: Context, [argument = ""]: string[]): Promise<void> {
  const { session, path } = await chooseOrLook(context);
  if (context.json) {
    printJson(await context.call("file/read", { session: session.id, path: path(argument) }));
    return;
  }
  const handle = (await context.connection()).session(session.id);
  const { bytes } = await context.patiently(() => handle.read(path(argument), { signal: context.signal }));
  process.stdout.write(process.stdout.isTTY ? visibleLines(bytes.toString("utf8")) : bytes);
}
