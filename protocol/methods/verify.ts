/** Methods about verdicts: what a command says of a session's staged content, run over it before it is applied. */
import { z } from "zod";
import { method, PATH_ERRORS, params } from "./method.ts";
import { CheckName, Ms, Path, Session, SessionId, Verdict } from "./values.ts";

const Told = Verdict.extend({
  output: z.string().describe("The last 64 KiB, both streams as they came."),
  cut: z.boolean().describe("There was more before."),
});

export const verify = method({
  name: "session/verify",
  summary:
    "Runs checks of the policy, or a command, confined in a layer that holds what is staged over the tree; records and answers what they say. With `progressToken` their output is told as they run.",
  role: "proposer",
  params: params({
    session: SessionId,
    checks: z
      .array(CheckName)
      .min(1)
      .max(50)
      .optional()
      .describe(
        "The policy's, by name; without these and a command all of them (of an agent's, those it may ask for).",
      ),
    command: z.array(z.string()).min(1).max(1000).optional().describe("A reviewer's, instead of checks."),
    directory: Path.optional().describe("Where the command begins; default the root."),
    env: z
      .record(z.string(), z.string())
      .optional()
      .describe("A reviewer's: the environment, instead of the daemon's."),
    timeoutMs: Ms.min(1)
      .max(86_400_000)
      .optional()
      .describe("Of each; default the check's, else 10 minutes."),
  }),
  result: z.object({
    session: Session,
    verdicts: z.array(Told).describe("In the order asked for."),
  }),
  errors: [
    "SessionNotFound",
    "WorkspaceNotFound",
    "IllegalState",
    "Stale",
    "Busy",
    "NotPermitted",
    "IoFailed",
    "TooLarge",
    "HardLinked",
    "BlobNotFound",
    "RootGone",
    "SyncTimeout",
    ...PATH_ERRORS,
  ],
});

export const verdicts = method({
  name: "session/verdicts",
  summary: "Gives the newest verdict of each check and command, with the end of what it printed.",
  role: "proposer",
  params: params({ session: SessionId }),
  result: z.object({ verdicts: z.array(Told) }),
  errors: ["SessionNotFound", "WorkspaceNotFound"],
});
