/**
 * The syntax child: a process of its own that parses one content at a time. It may crash or hang without harm: parsers
 * in native code and WASM do (oxc overflows its stack on 20 KB of brackets). Started by path, imported by nobody.
 * Owns nothing: opens no database, starts no process; ends by itself when its stdin does.
 * Wire: in, a header line (Order) and the content's bytes; out, one JSON object a line (Answer). The parent's end is
 * parser-process.ts, which sends the next order after the answer.
 * Failure: what a parser throws is answered as unknown, and then the process ends, for its heap may be corrupt.
 */
import { limitThisProcess } from "./limits.ts";
import { look } from "./look.ts";
import { type Report, unknown } from "./report.ts";

interface Order {
  readonly id: number;
  readonly language: string;
  /** Of the content, which follows the line. */
  readonly bytes: number;
}

interface Usage {
  readonly rssBytes: number;
  readonly cpuMs: number;
}

type Answer = { readonly ready: true } | ({ readonly id: number; readonly report: Report } & Usage);

const NEWLINE = 10;

limitThisProcess();

let received = Buffer.alloc(0);
process.stdin.on("data", (piece: Buffer) => {
  received = Buffer.concat([received, piece]);
  const order = takeOrder();
  if (order) void answer(order.header, order.content);
});
process.stdin.on("end", () => process.exit(0));
process.stdin.on("error", () => process.exit(0));
tell({ ready: true });

/** The order that has arrived whole, if any. */
function takeOrder(): { header: Order; content: Buffer } | undefined {
  const end = received.indexOf(NEWLINE);
  if (end < 0) return undefined;
  const header = JSON.parse(received.toString("utf8", 0, end)) as Order;
  const begin = end + 1;
  if (received.length < begin + header.bytes) return undefined;
  const content = received.subarray(begin, begin + header.bytes);
  received = received.subarray(begin + header.bytes);
  return { header, content };
}

async function answer({ id, language }: Order, content: Buffer): Promise<void> {
  try {
    tell({ id, report: await look(content, language), ...usage() });
  } catch (error) {
    const report = unknown(`The parser failed: ${String(error).slice(0, 200)}`, { passing: "died" });
    tell({ id, report, ...usage() }, () => process.exit(1));
  }
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { rssBytes: process.memoryUsage.rss(), cpuMs: (user + system) / 1000 };
}

function tell(what: Answer, then?: () => void): void {
  process.stdout.write(`${JSON.stringify(what)}\n`, then);
}
