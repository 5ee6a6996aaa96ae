/**
 * A workspace's policy: what it asks for, forbids and, once a person trusts it, waves through. On the real daemon, with
 * the file in the tree as a repository would bring it.
 */
import { execFileSync } from "node:child_process";
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { SessionHandle } from "../../client/index.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const FILE = ".iopipe.jsonc";
const stage = sharedStage();

async function scenario(policy: object | string): Promise<Scene> {
  const text = typeof policy === "string" ? policy : JSON.stringify(policy);
  return openScene({
    on: stage(),
    files: { "src/a.ts": "a\n", "src/b.ts": "b\n", "web/.env": "KEY=1\n", [FILE]: text },
  });
}

async function proposed(scene: Scene, files: Record<string, string>): Promise<SessionHandle> {
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  for (const [file, content] of Object.entries(files)) await session.write(file, content);
  return session;
}

async function apply(session: SessionHandle) {
  return session.apply((await session.diff()).digest ?? "");
}

async function trust({ reviewer, workspace }: Scene) {
  const { policy } = await reviewer.call("workspace/policy", { workspace });
  return reviewer.call("workspace/trust", { workspace, hash: policy?.hash });
}

const refusal = (...files: [path: string, reason: RegExp][]) => ({
  code: 1037,
  kind: "NotApproved",
  data: { files: files.map(([file, reason]) => ({ path: file, reason: expect.stringMatching(reason) })) },
});

test("without a policy, an apply is the approval; with one that asks for nothing, too", async () => {
  await using scene = await scenario("{ /* nothing */ }");
  const session = await proposed(scene, { "src/a.ts": "fresh\n", "web/.env": "KEY=2\n" });
  await apply(session);
  expect(scene.read("web/.env")).toBe("KEY=2\n");
});

test("what it asks for wants a decision, what it never allows none helps", async () => {
  await using scene = await scenario({ ask: ["web/**"], never: ["secret"] });
  const session = await proposed(scene, { "src/a.ts": "fresh\n", "web/.env": "KEY=2\n", "secret/x": "x\n" });
  const before = scene.tree();
  const refused = refusal(["secret/x", /never allows secret/], ["web/.env", /wants a decision on web/]);
  await expect(apply(session)).rejects.toMatchObject(refused);
  const { wouldApply, problems } = await scene.reviewer.call("session/check", { session: session.id });
  expect(wouldApply).toBe(false);
  expect(problems).toMatchObject([{ kind: "NotApproved", files: refused.data.files }]);

  const { patches } = await session.get();
  const decisions = patches.map(({ id }) => ({ patch: id, decision: "approved" as const }));
  await scene.reviewer.call("session/decide", { session: session.id, decisions });
  await expect(apply(session)).rejects.toMatchObject(refusal(["secret/x", /never allows secret/]));
  expect(scene.tree()).toEqual(before);

  const some = patches.filter((patch) => !patch.path.startsWith("secret")).map(({ id }) => id);
  await scene.reviewer.call("session/apply", { session: session.id, patches: some });
  expect(scene.read("web/.env")).toBe("KEY=2\n");
});

test("an approval is of one content: staged again, the patch wants another", async () => {
  await using scene = await scenario({ ask: ["src"] });
  const session = await proposed(scene, { "src/a.ts": "looked at\n" });
  const [patch] = (await session.get()).patches;
  const decisions = [{ patch: patch?.id ?? "", decision: "approved" as const }];
  await scene.reviewer.call("session/decide", { session: session.id, decisions });
  await session.write("src/a.ts", "slippedIn\n");
  await expect(apply(session)).rejects.toMatchObject(refusal(["src/a.ts", /decision/]));
});

test("both paths of a rename are asked about", async () => {
  await using scene = await scenario({ never: ["web/.env"] });
  const session = await scene.reviewer.openSession({ workspace: scene.workspace });
  await session.rename("web/.env", "src/env");
  await expect(apply(session)).rejects.toMatchObject(refusal(["src/env", /never allows/]));
});

test("what a policy waves through counts once it is trusted, for exactly these bytes", async () => {
  await using scene = await scenario({ autoApproveBelow: 30 });
  const session = await proposed(scene, { "src/a.ts": "fresh\n" });
  await expect(apply(session)).rejects.toMatchObject(refusal(["src/a.ts", /nobody here has trusted/]));
  expect(await trust(scene)).toMatchObject({ policy: { trusted: true, rules: { autoApproveBelow: 30 } } });
  await apply(session);

  const risky = await proposed(scene, { "src/b.ts": "fresh\n", "web/.env": "KEY=2\n" });
  await expect(apply(risky)).rejects.toMatchObject(refusal(["web/.env", /risk is 40.*below 30/]));
  writeFileSync(path.join(scene.root, FILE), JSON.stringify({ autoApproveBelow: 100 }));
  const both = refusal(["src/b.ts", /nobody here/], ["web/.env", /nobody here/]);
  await expect(apply(risky)).rejects.toMatchObject(both);
  await trust(scene);
  await apply(risky);
  await scene.reviewer.call("workspace/trust", { workspace: scene.workspace });
  const later = await proposed(scene, { "src/a.ts": "newer\n" });
  await expect(apply(later)).rejects.toMatchObject(refusal(["src/a.ts", /nobody here/]));
});

test("a rule holds for each spelling of a name, and a policy wants a decision on its own change", async () => {
  await using scene = await scenario({ never: ["Secret/**"] });
  const session = await proposed(scene, { "sECRET/x": "x\n", ".Iopipe.JSONC": "{}\n" });
  const refused = refusal([".Iopipe.JSONC", /its own change/], ["sECRET/x", /never allows Secret/]);
  await expect(apply(session)).rejects.toMatchObject(refused);
});

test("no policy approves its own change", async () => {
  await using scene = await scenario({ autoApproveBelow: 100 });
  await trust(scene);
  const session = await proposed(scene, { [FILE]: "{}\n" });
  await expect(apply(session)).rejects.toMatchObject(refusal([FILE, /its own change/]));
  const gone = await scene.reviewer.openSession({ workspace: scene.workspace });
  await gone.delete(FILE);
  await expect(apply(gone)).rejects.toMatchObject(refusal([FILE, /its own change/]));
});

test.each([
  ["no JSON", "{ ask: ", /line 1/],
  ["a misspelt rule", '{ "nevr": ["x"] }', /nevr/],
  ["a rule of the wrong shape", '{ "ask": "src" }', /"ask"/],
  ["nested without end", "[".repeat(200_000), /nested too deeply/],
  ["of two rules of one name", '{ "never": ["src"], "never": [] }', /"never" stands there twice/],
  ["one through its prototype", '{ "__proto__": { "autoApproveBelow": 100 } }', /__proto__/],
  ["with a glob that begins above the tree", '{ "never": ["/src/**"] }', /names nothing/],
  ["with a glob of alternatives, as shells have", '{ "never": ["{src,test}/**"] }', /names nothing/],
  ["with a glob that goes up and down", '{ "never": ["src/../test/**"] }', /names nothing/],
  ["with a glob that ends in a blank", '{ "never": ["src/** "] }', /names nothing/],
  ["with a set that never ends", '{ "ask": ["src/[ab"] }', /names nothing/],
  ["too large", `//${" ".repeat(300_000)}\n{}`, /bytes/],
])("a policy that is %s approves nothing, and says why", async (_, text, problem) => {
  await using scene = await scenario(text);
  const session = await proposed(scene, { "src/a.ts": "fresh\n" });
  await expect(apply(session)).rejects.toMatchObject(refusal(["src/a.ts", problem]));
  const { policy } = await scene.proposer.call("workspace/policy", { workspace: scene.workspace });
  expect(policy).toMatchObject({ trusted: false, problem: expect.stringMatching(problem) });
});

test("a policy that is a link to another file approves nothing", async () => {
  await using scene = await scenario("{}");
  rmSync(path.join(scene.root, FILE));
  symlinkSync("src/a.ts", path.join(scene.root, FILE));
  const session = await proposed(scene, { "src/b.ts": "fresh\n" });
  await expect(apply(session)).rejects.toMatchObject(refusal(["src/b.ts", /symlink/]));
});

test("a FIFO is no policy, and nobody waits for it; bytes that are no text allow nothing", async () => {
  await using scene = await scenario("{}");
  const file = path.join(scene.root, FILE);
  rmSync(file);
  execFileSync("mkfifo", [file]);
  const session = await proposed(scene, { "src/b.ts": "fresh\n" });
  await expect(apply(session)).rejects.toMatchObject(refusal(["src/b.ts", /not a file/]));
  rmSync(file);
  writeFileSync(file, Buffer.from('{ "never": ["caf\xe9"] }', "latin1"));
  await expect(apply(session)).rejects.toMatchObject(refusal(["src/b.ts", /not UTF-8/]));
});

test("a hash that the file does not have is not trusted", async () => {
  await using scene = await scenario("{}");
  const { reviewer, workspace } = scene;
  const wrong = { workspace, hash: "0".repeat(64) };
  await expect(reviewer.call("workspace/trust", wrong)).rejects.toMatchObject({ kind: "DigestMismatch" });
  rmSync(path.join(scene.root, FILE));
  await expect(reviewer.call("workspace/trust", wrong)).rejects.toMatchObject({ kind: "DigestMismatch" });
  expect(await reviewer.call("workspace/policy", { workspace })).toEqual({});
});
