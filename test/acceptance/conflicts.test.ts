/**
 * Two agents on one file: what each is told of the other, before anything is applied. On the real daemon, with the
 * events that each one's connection gets.
 */
import { expect, test } from "vitest";
import type { Connection, SessionHandle } from "../../client/index.ts";
import { eventsUntil, openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();
type Change = Parameters<SessionHandle["stage"]>[0][number];
const LINES = Array.from({ length: 20 }, (_, n) => `line ${n + 1}\n`);
const scenario = () => openScene({ on: stage(), files: { f: LINES.join(""), g: "g\n", bin: "\0one" } });

/** The file with these lines (from 1) changed. */
const changed = (who: string, ...at: number[]): Change => ({
  kind: "write",
  path: "f",
  content: LINES.map((line, n) => (at.includes(n + 1) ? `${who} ${n + 1}\n` : line)).join(""),
});
const write = (path: string, content: string): Change => ({ kind: "write", path, content });
const inserted = (who: string, after: number): Change =>
  write("f", [...LINES.slice(0, after), `${who}\n`, ...LINES.slice(after)].join(""));

interface Agent {
  readonly connection: Connection;
  readonly session: SessionHandle;
}

async function agent({ connect, workspace }: Scene, ...changes: Change[]): Promise<Agent> {
  const connection = await connect("proposer");
  const session = await connection.openSession({ workspace });
  if (changes.length > 0) await session.stage(changes);
  return { connection, session };
}

const CASES: readonly [string, Change[], Change[], object[] | undefined][] = [
  ["the same line", [changed("a", 5)], [changed("b", 5)], [{ start: 5, end: 5 }]],
  ["lines that overlap", [changed("a", 4, 5, 6)], [changed("b", 6, 7)], [{ start: 4, end: 7 }]],
  ["lines that touch", [changed("a", 5)], [changed("b", 6)], [{ start: 5, end: 6 }]],
  ["lines apart", [changed("a", 5)], [changed("b", 7)], undefined],
  [
    "two places of three",
    [changed("a", 2, 9, 16)],
    [changed("b", 2, 12, 16)],
    [
      { start: 2, end: 2 },
      { start: 16, end: 16 },
    ],
  ],
  ["insertions at one place", [inserted("a", 5)], [inserted("b", 5)], [{ start: 5, end: 6 }]],
  ["insertions at the top", [inserted("a", 0)], [inserted("b", 0)], [{ start: 1, end: 1 }]],
  ["insertions apart", [inserted("a", 5)], [inserted("b", 7)], undefined],
  ["the same change", [changed("both", 5)], [changed("both", 5)], undefined],
  ["a deletion", [{ kind: "delete", path: "f" }], [changed("b", 5)], []],
  ["the file's rename", [{ kind: "rename", path: "f", to: "h" }], [changed("b", 5)], []],
  ["a file in a rename's place", [{ kind: "rename", path: "f", to: "h" }], [write("h", "mine\n")], []],
  ["the same new file", [write("new", "a\n")], [write("new", "b\n")], []],
  ["binary content", [write("bin", "\0two")], [write("bin", "\0three")], []],
  ["a mode beside lines", [{ kind: "chmod", path: "f", mode: 0o755 }], [changed("b", 5)], undefined],
  ["two modes", [{ kind: "chmod", path: "f", mode: 0o755 }], [{ kind: "chmod", path: "f", mode: 0o600 }], []],
  ["a file in a directory's place", [write("d", "a\n")], [write("d/e/f", "b\n")], []],
  ["a rename into a file's place", [write("d", "a\n")], [{ kind: "rename", path: "g", to: "d/g" }], []],
  ["a link in a directory's place", [{ kind: "symlink", path: "d", target: "f" }], [write("d/e", "b\n")], []],
  ["names that only begin alike", [write("d", "a\n")], [write("d.e/f", "b\n")], undefined],
  ["other files", [changed("a", 5)], [write("g", "b\n")], undefined],
];

test.each(CASES)("%s: both are told where they collide, or nobody", async (_, one, other, ranges) => {
  await using scene = await scenario();
  const a = await agent(scene, ...one);
  const b = await agent(scene, ...other);
  const [patchA, patchB] = [(await a.session.get()).patches[0], (await b.session.get()).patches[0]];
  // No agent learns another's session.
  const expected = (path: string | undefined) => (ranges ? [{ path, ranges }] : []);
  expect(patchA?.conflicts).toEqual(expected(patchB?.path));
  expect(patchB?.conflicts).toEqual(expected(patchA?.path));
  const shown = await scene.reviewer.call("patch/get", { patch: patchA?.id ?? "" });
  expect(shown.patch.conflicts).toEqual(
    ranges ? [{ session: b.session.id, path: patchB?.path, ranges }] : [],
  );
});

test("each owner gets an event, without the other's id; a reviewer's has it", async () => {
  await using scene = await scenario();
  const a = await agent(scene, changed("a", 5));
  const { seq: since } = (await a.session.get()).session;
  const { workspace } = scene;
  const b = await agent(scene, changed("b", 5, 6));
  const [told] = await eventsUntil(a.connection, { workspace, since }, "patch/conflict");
  expect(told).toMatchObject({ patch: { session: a.session.id, conflicts: [{ path: "f" }] } });
  expect(JSON.stringify(told)).not.toContain(b.session.id);
  const [first] = await eventsUntil(scene.reviewer, { workspace, since }, "patch/conflict");
  const [second] = await eventsUntil(scene.reviewer, { workspace, since: first.seq }, "patch/conflict");
  expect([first, second]).toMatchObject([
    { patch: { session: b.session.id, conflicts: [{ session: a.session.id }] } },
    { patch: { session: a.session.id, conflicts: [{ session: b.session.id }] } },
  ]);
});

test("a conflict is over when either side is", async () => {
  await using scene = await scenario();
  const a = await agent(scene, changed("a", 5));
  const b = await agent(scene, changed("b", 5));
  await a.session.discard();
  expect((await b.session.get()).patches[0]?.conflicts).toEqual([]);
});

test("a rename is one conflict, whichever of its names collide; very many places are told as one", async () => {
  await using scene = await scenario();
  const a = await agent(scene, { kind: "rename", path: "f", to: "h" });
  const b = await agent(scene, { kind: "delete", path: "f" }, write("h", "mine\n"));
  for (const { conflicts } of (await b.session.get()).patches)
    expect(conflicts).toEqual([{ path: "h", ranges: [] }]);
  await a.session.discard();
  await b.session.discard();
  const lines = Array.from({ length: 600 }, (_, n) => `${n}\n`);
  const every = (who: string) =>
    write("g", lines.map((line, n) => (n % 3 === 1 ? `${who}\n` : line)).join(""));
  scene.write("g", lines.join(""));
  await a.session.stage([every("a")]);
  await b.session.stage([every("b")]);
  const [patch] = (await b.session.get()).patches.filter(({ state }) => state === "Pending");
  expect(patch?.conflicts).toEqual([{ path: "g", ranges: [{ start: 2, end: 599 }] }]);
});

test("of two hundred files at once, both owners are told of each", async () => {
  await using scene = await scenario();
  const files = (who: string) => Array.from({ length: 200 }, (_, n) => write(`new/${n}`, `${who}\n`));
  const a = await agent(scene, ...files("a"));
  const { seq: since } = (await a.session.get()).session;
  await agent(scene, ...files("b"));
  const { workspace } = scene;
  const told = new Set<string | undefined>();
  for await (const event of a.connection.events({ workspace, since })) {
    if (event.type === "patch/conflict") told.add(event.patch?.path);
    if (told.size === 200) break;
  }
});
