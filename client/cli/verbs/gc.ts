/** `gc`: says what the daemon drops by itself; there is nothing to do by hand. */
import type { Context } from "../context.ts";
import { print } from "../output.ts";

export async function gc(context: Context): Promise<void> {
  context.show({}, () => print("Nothing to do: this version keeps everything that it was given."));
}
