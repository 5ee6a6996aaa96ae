/** The parser process' parent end, with children that do what a parser may do at its worst. */
import { type ChildProcess, spawn } from "node:child_process";
import { expect, onTestFinished, test } from "vitest";
import { type ParserProcess, startParserProcess } from "../daemon/staging/syntax/parser-process.ts";

const REPORT = '{"parsed":"clean","errors":[],"warnings":[]}';

/** A child that runs `script`; `n` in it says which one of them it is, from 1. */
function scripted(script: string, options: { jobMs?: number } = {}): ParserProcess & { started(): number } {
  let started = 0;
  const start = (): ChildProcess => {
    started += 1;
    const child = spawn(process.execPath, ["-e", `const n = ${started};${PRELUDE}${script}`], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    child.stdin?.on("error", () => {});
    return child;
  };
  const parser = startParserProcess({ ...options, start });
  onTestFinished(() => parser.close());
  return Object.assign(parser, { started: () => started });
}

const PRELUDE = `
  const say = (text) => process.stdout.write(text + "\\n");
  const ready = () => say('{"ready":true}');
  let id = 0;
  const answer = (report = '${REPORT}') => say('{"id":' + id + ',"report":' + report + '}');
  // The content, one byte, comes with its header or after it.
  const asked = (then) => process.stdin.on("data", (piece) => {
    const header = /\\{.*\\}/.exec(String(piece));
    if (!header) return;
    id = JSON.parse(header[0]).id;
    then();
  });
`;

const look = (parser: ParserProcess) => parser.look(Buffer.from("x"), "javascript");
const WELL = "ready(); asked(() => answer());";

test("contents are looked at one at a time, in order, by one child", async () => {
  const parser = scripted(WELL);
  const reports = await Promise.all(Array.from({ length: 20 }, () => look(parser)));
  expect(reports.map(({ parsed }) => parsed)).toEqual(Array(20).fill("clean"));
  expect(parser.started()).toBe(1);
});

test.each([
  ["dies", "process.exit(3)"],
  ["is killed", "process.kill(process.pid, 'SIGKILL')"],
  ["writes no JSON", "say('Segmentation fault')"],
  ["writes a line without end", "setInterval(() => process.stdout.write('x'.repeat(65536)))"],
  ["answers what is no report", 'say(\'{"id":1,"report":{}}\')'],
  ["answers what was not asked", `say('{"id":7,"report":${REPORT}}')`],
  ["hangs", ""],
])("of a child that %s its content is unknown, and the next child takes the others", async (_, script) => {
  const parser = scripted(`ready(); asked(() => { if (n > 1) answer(); else { ${script} } });`, {
    jobMs: 3000,
  });
  const [first, second] = await Promise.all([look(parser), look(parser)]);
  expect(first).toMatchObject({ parsed: "unknown", passing: "died", why: expect.any(String) });
  expect(parser.started()).toBe(2);
  expect(second.parsed).toBe("clean");
});

test("children that never come up cost no content a wait for the next one", async () => {
  const parser = scripted("process.exit(1)");
  const reports = await Promise.all(Array.from({ length: 50 }, () => look(parser)));
  expect(new Set(reports.map(({ parsed }) => parsed))).toEqual(new Set(["unknown"]));
  expect(parser.started()).toBeLessThan(3);
});

test("children that die one after the other are started ever later, and at once again after one that did not", async () => {
  const parser = scripted("ready(); asked(() => (n < 5 ? process.exit(1) : answer()));");
  const begin = performance.now();
  const reports = await Promise.all(Array.from({ length: 6 }, () => look(parser)));
  expect(reports.map(({ parsed }) => parsed)).toEqual([...Array(4).fill("unknown"), "clean", "clean"]);
  // The third and the fourth death cost 100 and 200 ms.
  expect(performance.now() - begin).toBeGreaterThan(290);
});

test("one that has grown, or worked for long, is replaced and blamed for nothing", async () => {
  const grown = `'{"id":' + id + ',"report":${REPORT},"rssBytes":1e9}'`;
  const parser = scripted(`ready(); asked(() => say(${grown}));`);
  for (let n = 1; n <= 5; n += 1) {
    expect((await look(parser)).parsed).toBe("clean");
    expect(parser.started()).toBe(n);
  }
});

test("a queue has an end, and closing answers what waits", async () => {
  const parser = scripted("ready();");
  const waiting = Array.from({ length: 300 }, () => look(parser));
  const [last] = await Promise.all(waiting.slice(-1));
  expect(last).toMatchObject({
    parsed: "unknown",
    passing: "unreached",
    why: expect.stringContaining("wait"),
  });
  await parser.close();
  const reports = await Promise.all(waiting);
  expect(new Set(reports.map(({ parsed }) => parsed))).toEqual(new Set(["unknown"]));
  expect((await look(parser)).parsed).toBe("unknown");
  expect(parser.pid).toBeUndefined();
});

test("the child ends with whoever started it", async () => {
  const parser = startParserProcess();
  onTestFinished(() => parser.close());
  expect(await look(parser)).toMatchObject({ parsed: "clean" });
  const pid = parser.pid ?? expect.unreachable();
  await parser.close();
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});
