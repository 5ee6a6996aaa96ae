/** `ls`: the sessions here, pending ones with patches unless `--all`; `ls PATH`, or `ls -r`: a directory as the session sees it. */
import type { Result } from "../../../protocol/methods/index.ts";
import { allSessions, chooseOrLook, isUnfinished, pendingSessions } from "../choose.ts";
import type { Context } from "../context.ts";
import { print } from "../output.ts";
import { findWorkspace } from "../place.ts";
import { sessionLines } from "../tables.ts";
import { visible } from "../visible.ts";

export async function ls(context: Context, [given]: string[]): Promise<void> {
  const path = given ?? (context.has("recursive") || context.text("session") ? "." : undefined);
  if (path !== undefined) {
    await listFiles(context, path);
    return;
  }
  const { id } = await findWorkspace(context);
  const sessions = context.has("all")
    ? await allSessions(context, { workspace: id })
    : (await pendingSessions(context, id)).filter(isUnfinished);
  context.show({ sessions }, () => {
    for (const line of sessions.flatMap(sessionLines)) print(line);
  });
}

async function listFiles(context: Context, argument: string): Promise<void> {
  const { session, path } = await chooseOrLook(context);
  const at = path(argument);
  const params = {
    session: session.id,
    recursive: context.has("recursive"),
    ...(at !== "." && { path: at }),
  };
  const result: Result<"file/list"> = await context.call("file/list", params);
  for (let { next } = result; next !== undefined; ) {
    const page = await context.call("file/list", { ...params, after: next });
    result.entries.push(...page.entries);
    next = page.next;
  }
  delete result.next;
  context.show(result, ({ entries }) => {
    for (const { path: each, type, origin } of entries)
      print(`${visible(each)}${type === "directory" ? "/" : ""}${origin === "staged" ? "  (staged)" : ""}`);
  });
}
