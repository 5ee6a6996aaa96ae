/** Tells a person of the hidden commit that an apply or undo was asked for. */
import type { Result } from "../../protocol/methods/index.ts";
import { note, print } from "./output.ts";
import { visible } from "./visible.ts";

export function describeSafetyCommit(made: Result<"session/apply">["safetyCommit"]): void {
  if (made === undefined) return;
  if ("unavailable" in made) {
    note(`There is no safety commit: ${visible(made.unavailable)}`);
    return;
  }
  print(`Safety commit ${visible(made.commit.slice(0, 12))} (${visible(made.ref)}).`);
  if (process.stdout.isTTY) note(`What was there: git show ${visible(made.ref)}^:PATH`);
}
