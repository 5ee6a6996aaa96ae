/** Handlers of session/verify and session/verdicts: what commands say of staged content. */
import { IopipeError } from "../../../protocol/wire/errors.ts";
import { sessionToWire } from "../../staging/index.ts";
import type { Call, Handlers } from "../call.ts";
import type { Parts } from "./index.ts";
import { namedSession } from "./views.ts";

export function verifyHandlers({ store, verifier }: Parts) {
  return {
    "session/verify": async ({ session: id, progressToken: token, _meta, ...asked }, call) => {
      assertMayRun(asked, call);
      const session = namedSession(store, id, call);
      const { role, by, signal, peer } = call;
      const verdicts = await verifier.verify(session, {
        ...{ ...asked, role, by, signal },
        told: (output, done, total) =>
          token === undefined
            ? undefined
            : peer.notify("$/progress", { token, value: { phase: "verify", done, total, output } }),
      });
      return { session: sessionToWire(store, session), verdicts };
    },
    "session/verdicts": ({ session: id }, call) => ({
      verdicts: verifier.verdicts(namedSession(store, id, call)),
    }),
  } satisfies Partial<Handlers>;
}

/** Asked before any id is looked up, as every question of role. */
function assertMayRun(asked: object, { role }: Call): void {
  const own = ["command", "directory", "env", "timeoutMs"].find((name) => name in asked);
  if (role === "reviewer" || own === undefined) return;
  throw new IopipeError("NotPermitted", `A proposer may not say the ${own}: it may ask for checks by name.`, {
    hint: "Ask the person who reviews.",
  });
}
