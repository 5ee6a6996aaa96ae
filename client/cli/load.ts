/**
 * Where each verb's code is. It is loaded when the verb is called, so that none pays for the others.
 * What a verb is called and takes says verbs.ts; a test compares the names.
 */
import type { Context } from "./context.ts";

/** A verb's code: resolves to the exit code, 0 when it gives none. */
type Run = (context: Context, args: string[]) => Promise<number | undefined> | Promise<void>;

export const LOAD: Readonly<Record<string, () => Promise<Run>>> = {
  open: async () => (await import("./verbs/open.ts")).open,
  status: async () => (await import("./verbs/status.ts")).status,
  ls: async () => (await import("./verbs/ls.ts")).ls,
  show: async () => (await import("./verbs/show.ts")).show,
  diff: async () => (await import("./verbs/diff.ts")).diff,
  cat: async () => (await import("./verbs/cat.ts")).cat,
  review: async () => (await import("./verbs/review.ts")).review,
  stage: async () => (await import("./verbs/stage.ts")).stage,
  edit: async () => (await import("./verbs/edit.ts")).edit,
  check: async () => (await import("./verbs/check.ts")).check,
  verify: async () => (await import("./verbs/verify.ts")).verify,
  apply: async () => (await import("./verbs/apply.ts")).apply,
  run: async () => (await import("./verbs/run.ts")).run,
  discard: async () => (await import("./verbs/discard.ts")).discard,
  rebase: async () => (await import("./verbs/rebase.ts")).rebase,
  undo: async () => (await import("./verbs/undo.ts")).undo,
  trust: async () => (await import("./verbs/trust.ts")).trust,
  disable: async () => (await import("./verbs/disable.ts")).disable,
  enable: async () => (await import("./verbs/disable.ts")).enable,
  log: async () => (await import("./verbs/log.ts")).log,
  watch: async () => (await import("./verbs/watch.ts")).watch,
  wait: async () => (await import("./verbs/wait.ts")).wait,
  daemon: async () => (await import("./verbs/daemon.ts")).daemon,
  doctor: async () => (await import("./verbs/doctor.ts")).doctor,
  gc: async () => (await import("./verbs/gc.ts")).gc,
  setup: async () => (await import("./verbs/setup.ts")).setup,
  hook: async () => (await import("./verbs/hook.ts")).hook,
  mcp: async () => (await import("./verbs/mcp.ts")).mcp,
  rpc: async () => (await import("./verbs/rpc.ts")).rpc,
  completion: async () => (await import("./verbs/completion.ts")).completion,
};
