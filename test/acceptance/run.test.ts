/** `iopipectl run`: what a command writes to the workspace becomes a session, and the tree stays as it was. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { canMount } from "../fixture/small-disk.ts";
import { runScript, startScript } from "./running.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

const stage = sharedStage();

const layersOf = ({ home }: Pick<Scene, "home">): string[] =>
  readdirSync(path.join(home.locations.stateDir, "layers"));

test("what a command writes is staged, the tree is as it was, and its exit code is iopipectl's", async () => {
  await using scene = await openScene({ on: stage() });
  const before = scene.tree();
  const { code, stdout } = await runScript(
    scene,
    "echo more >> src/a.ts; mv src/b.ts c.ts; mkdir -p x/y; echo new > x/y/z; pwd; exit 7",
  );
  expect({ code, stdout }).toEqual({ code: 7, stdout: `${scene.root}\n` });
  expect(scene.tree()).toEqual(before);
  expect(layersOf(scene)).toEqual([]);
  const { sessions } = await scene.reviewer.call("session/list", { workspace: scene.workspace });
  const { patches } = await scene.reviewer.call("session/get", { session: sessions[0]?.id ?? "" });
  expect(patches.map(({ path, kind, state }) => `${kind} ${path} ${state}`).sort()).toEqual([
    "create x/y/z Pending",
    "rename c.ts Pending",
    "update src/a.ts Pending",
  ]);
});

test("what of git's a command has changed is named, and said to go with the layer", async () => {
  await using scene = await openScene({ on: stage() });
  const { stderr } = await runScript(scene, "echo x > x; git add x");
  expect(stderr).toMatch(
    /not staged: \.git: '\.git' belongs to git \(.*\bindex\b.*\), and goes with the layer/,
  );
});

test("what is written anew and is as it was is no change, and its bytes are not kept", async () => {
  const files = { same: "written anew\n", other: "one\n" };
  await using scene = await openScene({ on: stage(), files });
  const { stderr } = await runScript(
    scene,
    "touch .git/x.lock; rm .git/x.lock; for f in same other; do sed -i s/one/two/ $f; done",
  );
  expect(stderr).not.toContain(".git: ");
  expect(stderr).toContain("1 change is staged");
  const read = (blob: string) => scene.reviewer.call("blob/read", { blob });
  await read(createHash("sha256").update("two\n").digest("hex"));
  const hash = createHash("sha256").update(files.same).digest("hex");
  await expect(read(hash)).rejects.toMatchObject({ kind: "BlobNotFound" });
});

test("of more files than are held in memory at once every one is staged, small ones among large ones", async () => {
  await using scene = await openScene({ on: stage() });
  // Those above 256 KiB are stored in files of their own, and small ones come meanwhile.
  const script = `node -e '
    for (let n = 1000; n < 1400; n++) fs.writeFileSync("many-" + n, (n + "x".repeat(99) + "\\n").repeat(n % 4 ? 1 : 3000));
  '`;
  const { code, stderr } = await runScript(scene, script);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("400 changes are staged") });
});

test("with --json stdout has the result alone, and the command's output is on stderr", async () => {
  await using scene = await openScene({ on: stage() });
  const { code, stdout, stderr } = await runScript(scene, "echo out; echo x > x; mkfifo pipe", ["--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "out\n" });
  expect(JSON.parse(stdout)).toMatchObject({
    session: { patches: { pending: 1 } },
    unstaged: [{ path: "pipe", reason: expect.any(String) }],
    conflicted: [],
  });
});

test("a session is there from the start, shows the layer as it stands, and cannot be applied until the end", async () => {
  await using scene = await openScene({ on: stage() });
  const running = await startScript(
    scene,
    "echo one > one; rm src/b.ts; echo ready; read _; rm one; git checkout -q src/b.ts; echo two > two; echo ready; read _",
  );
  const { session } = running;
  const paths = async (): Promise<string[]> =>
    (await scene.reviewer.call("session/diff", { session })).files.map((file) => file.path);
  expect(await paths()).toEqual(["one", "src/b.ts"]);
  const { digest = "" } = await scene.reviewer.call("session/diff", { session });
  const applied = scene.reviewer.call("session/apply", { session, expectedDigest: digest });
  await expect(applied).rejects.toMatchObject({ kind: "Busy" });
  running.goOn();
  await expect.poll(paths).toEqual(["two"]);
  running.goOn();
  expect(await running.ended).toMatchObject({ code: 0 });
  const ended = await scene.reviewer.call("session/get", { session });
  expect(ended.session).toMatchObject({ patches: { pending: 1, stale: 0 } });
  expect(ended.session.layer).toBeUndefined();
});

test("what is moved, and moved again between two looks, comes to what a command did all in all", async () => {
  const files = { "d1/a": "a\n", "d1/b": "b\n", "d1/same": "b\n", "e/a": "ea\n", keep: "keep\n" };
  await using scene = await openScene({ on: stage(), files });
  const steps = [
    "mv d1 d2; mv e/a moved",
    "mv d2 d3; mkdir d1; echo new > d1/a; mv moved e/a",
    "mv d3/a d1/b; rm d3/same; mkdir d2; mv keep d2/b; echo more >> d2/b",
  ];
  const running = await startScript(scene, steps.map((step) => `${step}; echo ready; read _; `).join(""));
  const { session } = running;
  const kinds = async () =>
    (await scene.reviewer.call("session/diff", { session })).files.map(({ status, from, path }) =>
      [status, from, path].join(" "),
    );
  expect(await kinds()).toEqual([
    "rename d1/a d2/a",
    "rename d1/b d2/b",
    "rename d1/same d2/same",
    "rename e/a moved",
  ]);
  running.goOn();
  await expect
    .poll(kinds)
    .toEqual([
      "update  d1/a",
      "delete  d1/b",
      "delete  d1/same",
      "create  d3/a",
      "create  d3/b",
      "create  d3/same",
    ]);
  running.goOn();
  running.goOn();
  expect(await running.ended).toMatchObject({ code: 0 });
  const { digest = "" } = await scene.reviewer.call("session/diff", { session });
  await scene.reviewer.call("session/apply", { session, expectedDigest: digest });
  const after = Object.entries(scene.tree()).filter(([path]) => !path.endsWith("/"));
  expect(Object.fromEntries(after)).toEqual({
    "d1/a": "644 new\n",
    "d1/b": "644 a\n",
    "d2/b": "644 keep\nmore\n",
    "d3/b": "644 b\n",
    "e/a": "644 ea\n",
  });
});

test.runIf(canMount)(
  "what is mounted below the workspace, which the command does not see, it does not remove",
  async () => {
    await using scene = await openScene({ on: stage() });
    scene.write("mounted/below", "");
    const mounted = scene.at("mounted");
    execFileSync("mount", ["-t", "tmpfs", "iopipe-test", mounted]);
    try {
      scene.write("mounted/kept", "kept\n");
      const { code, stdout, stderr } = await runScript(
        scene,
        "ls mounted; rm -r mounted src; mkdir mounted; : > mounted/x",
      );
      expect({ code, stdout }).toEqual({ code: 0, stdout: "below\n" });
      expect(stderr).toContain("not staged: mounted: something is mounted there");
      const { sessions } = await scene.reviewer.call("session/list", { workspace: scene.workspace });
      const { patches } = await scene.reviewer.call("session/get", { session: sessions[0]?.id ?? "" });
      expect(patches.map(({ path }) => path).sort()).toEqual(["src/a.ts", "src/b.ts"]);
    } finally {
      execFileSync("umount", [mounted]);
    }
  },
);
