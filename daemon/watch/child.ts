/**
 * The watch child: a process of its own around @parcel/watcher, one for each root.
 * Owns the two native subscriptions, first the cookie directory, then the root, and nothing else: it opens no database,
 * starts no process and handles no signal, because an interrupted poll() ends every native watch
 * (parcel-bundler/watcher#141). It is killed, never unsubscribed, and ends by itself when its stdin does.
 * Wire: one JSON object a line. In, once: Order. Out: Report. The parent's end is native.ts.
 * Failure: any native error is reported and ends the process; the parent starts another.
 */

import path from "node:path";
import watcher from "@parcel/watcher";

interface Order {
  /** Absolute. */
  readonly root: string;
  readonly cookieDir: string;
  /** Absolute paths below which nothing is reported. */
  readonly ignored: readonly string[];
}

type Report =
  | { readonly ready: true }
  | { readonly error: string }
  /** Root-relative paths that something happened to. */
  | { readonly hints: readonly string[] }
  /** Names in the cookie directory. */
  | { readonly cookies: readonly string[] };

/** Pinned: the default one looks for a watchman to talk to instead. */
const BACKENDS: Partial<Record<NodeJS.Platform, watcher.BackendType>> = {
  linux: "inotify",
  darwin: "fs-events",
  win32: "windows",
};

/** Paths in one line, so that no line grows without bound. */
const LINE = 1000;

function report(what: Report): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

function fail(error: unknown): void {
  process.stdout.write(`${JSON.stringify({ error: String(error) } satisfies Report)}\n`, () =>
    process.exit(1),
  );
}

function follow(
  directory: string,
  ignored: readonly string[],
  tell: (paths: string[]) => void,
): Promise<unknown> {
  const backend = BACKENDS[process.platform];
  return watcher.subscribe(
    directory,
    (error, events) => {
      if (error) {
        fail(error);
        return;
      }
      for (let from = 0; from < events.length; from += LINE) {
        tell(events.slice(from, from + LINE).map((event) => path.relative(directory, event.path)));
      }
    },
    { ignore: [...ignored], ...(backend && { backend }) },
  );
}

async function begin({ root, cookieDir, ignored }: Order): Promise<void> {
  await follow(cookieDir, [], (cookies) => report({ cookies }));
  await follow(root, ignored, (hints) => report({ hints }));
  report({ ready: true });
}

let received = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text: string) => {
  const begun = received.includes("\n");
  if (begun) return;
  received += text;
  const end = received.indexOf("\n");
  if (end >= 0) begin(JSON.parse(received.slice(0, end)) as Order).catch(fail);
});
process.stdin.on("end", () => process.exit(0));
process.stdin.on("error", () => process.exit(0));
