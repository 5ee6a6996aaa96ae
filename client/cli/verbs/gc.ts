/** `gc`: says what the daemon's retention does; there is nothing to do by hand. */
import type { Context } from "../context.ts";
import { print } from "../output.ts";

export async function gc(context: Context): Promise<void> {
  context.show({}, () =>
    print(
      "Nothing to do: the daemon itself drops undo data after 30 days or above 1 GiB, discarded patches after 24 hours " +
        "and orphaned pending sessions after 7 days.",
    ),
  );
}
