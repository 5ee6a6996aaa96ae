/**
 * Verdicts: what a command says of staged content, run over the tree as an apply would make it, and how long that counts.
 * On the real daemon and in real layers.
 */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { Params, SessionHandle } from "../../client/index.ts";
import type { Result } from "../../protocol/methods/index.ts";
import { runInProcess } from "../fixture/in-process.ts";
import { canLayer, processesIn } from "./layers.ts";
import { openScene, type Scene, sharedStage } from "./scene.ts";

if (!canLayer) process.stderr.write("NOT TESTED: verify; no overlay can be mounted in a namespace here.\n");
const stage = sharedStage();
const POLICY = ".iopipe.jsonc";

async function scenario(policy?: object, files: Record<string, string> = {}): Promise<Scene> {
  const all = { "a.txt": "a\n", "dir/b.txt": "b\n", ".gitignore": "built/\n", ...files };
  const scene = await openScene({
    on: stage(),
    files: policy ? { ...all, [POLICY]: JSON.stringify(policy) } : all,
  });
  if (policy) await trust(scene);
  return scene;
}

async function trust({ reviewer, workspace }: Scene): Promise<void> {
  const { policy } = await reviewer.call("workspace/policy", { workspace });
  await reviewer.call("workspace/trust", { workspace, hash: policy?.hash });
}

const proposed = (scene: Scene): Promise<SessionHandle> =>
  scene.proposer.openSession({ workspace: scene.workspace });

const verify = (
  scene: Scene,
  session: SessionHandle,
  asked: Omit<Params<"session/verify">, "session"> = {},
) => scene.reviewer.call("session/verify", { session: session.id, ...asked });

const sh = (script: string) => ({ command: ["sh", "-c", script] });

async function apply({ reviewer }: Scene, session: SessionHandle): Promise<Result<"session/apply">> {
  const { digest } = (await session.get()).session;
  return await reviewer.call("session/apply", { session: session.id, expectedDigest: digest });
}

/** Everything of the tree that verifying must leave alone: bytes, modes, and each entry's time of change. */
function stamps({ root, tree }: Scene): unknown {
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
    (name) => !name.startsWith(".git/"),
  );
  return [
    tree(),
    names.sort().map((name) => [name, lstatSync(path.join(root, name), { bigint: true }).ctimeNs]),
  ];
}

const layersLeft = ({ home }: Scene): string[] => readdirSync(path.join(home.locations.stateDir, "layers"));

test.runIf(canLayer)(
  "a command finds the tree as an apply would make it, and what it writes goes nowhere",
  async () => {
    await using scene = await scenario(undefined, {
      "gone/x": "x\n",
      "d/e/f": "f\n",
      "kept/x": "x\n",
      "kept/y": "y\n",
      "mode.sh": "#!/bin/sh\n",
    });
    symlinkSync("a.txt", path.join(scene.root, "link"));
    chmodSync(path.join(scene.root, "kept"), 0o750);
    const before = stamps(scene);
    const session = await proposed(scene);
    await session.write("a.txt", "A\n");
    await session.write("new/deep/c.txt", Buffer.from([0, 255]));
    await session.write("large", Buffer.alloc(700_000, "l"));
    await session.rename("dir/b.txt", "moved.txt");
    await session.delete("gone/x");
    await session.delete("kept/x");
    await session.delete("d/e/f");
    await session.write("d/e", "a file now\n");
    await session.chmod("mode.sh", 0o755);
    await session.symlink("there", "new/deep");
    const script =
      "cat a.txt moved.txt d/e; ls -d gone dir kept 2>/dev/null; wc -c <new/deep/c.txt; wc -c <large; ./mode.sh && echo runs; readlink there link; stat -c %a a.txt kept new; echo made >made; rm link; pwd";
    const { verdicts } = await verify(scene, session, sh(script));
    expect(verdicts).toMatchObject([{ outcome: "passed", exitCode: 0 }]);
    expect(verdicts[0]?.output.split("\n")).toEqual([
      "A",
      "b",
      "a file now",
      "kept",
      "2",
      "700000",
      "runs",
      "new/deep",
      "a.txt",
      "644",
      "750",
      (0o777 & ~process.umask()).toString(8),
      scene.root,
      "",
    ]);
    expect(stamps(scene)).toEqual(before);
    expect(layersLeft(scene)).toEqual([]);
    // As an apply does make it.
    await apply(scene, session);
    expect(scene.read("d/e")).toBe("a file now\n");
    expect(readdirSync(scene.root)).toEqual(expect.not.arrayContaining(["gone", "dir"]));
  },
);

test.runIf(canLayer)(
  "a command that ends as a layer does which could not be made has failed all the same",
  async () => {
    await using scene = await scenario();
    const session = await proposed(scene);
    await session.write("a.txt", "staged\n");
    const { verdicts } = await verify(scene, session, sh('echo "iopipe: no overlay" >&2; exit 125'));
    expect(verdicts).toMatchObject([{ outcome: "failed", exitCode: 125, output: "iopipe: no overlay\n" }]);
  },
);

test.runIf(canLayer)(
  "its verdict is shown with the session, with what it printed, and told as an event",
  async () => {
    await using scene = await scenario();
    const session = await proposed(scene);
    const { session: state } = await session.write("a.txt", "A\n");
    const waiting = session.wait({ since: state.seq, timeoutMs: 60_000 });
    const told: string[] = [];
    const asked = { session: session.id, ...sh("echo out; echo err >&2; exit 3") };
    await scene.reviewer.call("session/verify", asked, {
      onProgress: ({ output }) => output && told.push(`${output.stream} ${output.text}`),
    });
    expect(told.sort()).toEqual(["stderr err\n", "stdout out\n"]);
    const { verdicts } = (await waiting).session;
    expect(verdicts).toMatchObject([
      { outcome: "failed", exitCode: 3, digest: state.digest, by: "test reviewer" },
    ]);
    expect(verdicts?.[0]).not.toHaveProperty("output");
    const kept = await scene.proposer.call("session/verdicts", { session: session.id });
    expect(kept.verdicts).toMatchObject([{ output: expect.stringMatching(/out\n/), cut: false }]);
    await verify(scene, session, sh("yes | head -c 1000000; exit 3"));
    const long = await scene.proposer.call("session/verdicts", { session: session.id });
    expect(long.verdicts[1]).toMatchObject({ cut: true });
    expect(long.verdicts[1]?.output).toHaveLength(64 * 1024);
  },
);

test.runIf(canLayer)(
  "a required check lets an apply through when it passed on exactly that, and on that tree",
  async () => {
    const check = { command: ["grep", "-q", "good", "a.txt"] };
    await using scene = await scenario({ checks: { good: check }, require: ["good"] });
    const refusal = (reason: RegExp) => ({
      kind: "NotApproved",
      data: { checks: [{ check: "good", reason: expect.stringMatching(reason) }] },
    });
    const session = await proposed(scene);
    await session.write("a.txt", "bad\n");
    await session.write("c.txt", "c\n");
    await expect(apply(scene, session)).rejects.toMatchObject(refusal(/not run/));
    await verify(scene, session);
    await expect(apply(scene, session)).rejects.toMatchObject(refusal(/failed \(exit 1\)/));

    await session.write("a.txt", "good\n");
    expect((await session.get()).session.verdicts).toMatchObject([{ outcome: "failed", void: "staged" }]);
    expect((await verify(scene, session)).verdicts).toMatchObject([{ check: "good", outcome: "passed" }]);
    expect(await session.check()).toMatchObject({ wouldApply: true });
    await session.write("d.txt", "d\n");
    await expect(apply(scene, session)).rejects.toMatchObject(refusal(/something else/));
    expect((await session.check()).problems).toMatchObject([{ kind: "NotApproved" }]);

    await verify(scene, session);
    writeFileSync(path.join(scene.root, "dir/b.txt"), "somebody's\n");
    await expect(apply(scene, session)).rejects.toMatchObject(refusal(/tree has changed/));
    await verify(scene, session);
    const { patches } = await session.get();
    const part = patches
      .filter(({ path, state }) => path === "a.txt" && state === "Pending")
      .map(({ id }) => id);
    const partly = scene.reviewer.call("session/apply", { session: session.id, patches: part });
    await expect(partly).rejects.toMatchObject(refusal(/only a part/));
    // What tools make does not count.
    mkdirSync(path.join(scene.root, "built"));
    writeFileSync(path.join(scene.root, "built/it"), "made\n");
    await apply(scene, session);
    expect(scene.read("a.txt")).toBe("good\n");
  },
);

test.runIf(canLayer)(
  "a verdict is seen to be void as soon as the tree changes, or its check becomes another",
  async () => {
    const policy = { checks: { one: { command: ["true"] } }, require: ["one"] };
    await using scene = await scenario(policy);
    const session = await proposed(scene);
    await session.write("a.txt", "A\n");
    await verify(scene, session);
    writeFileSync(
      path.join(scene.root, POLICY),
      JSON.stringify({ ...policy, checks: { one: { command: ["false"] } } }),
    );
    await expect
      .poll(async () => (await session.get()).session.verdicts)
      .toMatchObject([{ check: "one", void: "tree" }]);
    await expect(apply(scene, session)).rejects.toMatchObject({ kind: "NotApproved" });
    await expect(verify(scene, session)).rejects.toMatchObject({ kind: "NotPermitted" });
  },
);

test("a policy that requires what is no check, or misnames one, lets nothing through", async () => {
  for (const policy of ['{ "require": ["tset"] }', '{ "checks": { "a b": { "command": ["true"] } } }']) {
    await using scene = await openScene({ on: stage(), files: { "a.txt": "a\n", [POLICY]: policy } });
    const session = await proposed(scene);
    await session.write("a.txt", "A\n");
    await expect(apply(scene, session)).rejects.toMatchObject({ kind: "NotApproved" });
    await expect(verify(scene, session)).rejects.toMatchObject({ kind: "IllegalState" });
  }
});

test.runIf(canLayer)(
  "checks run together, each in a layer of its own; a time limit and a cancel end them",
  async () => {
    const wait = "touch $0; for n in $(seq 600); do sleep 0.1; done";
    await using scene = await scenario({
      checks: {
        quick: { command: ["sh", "-c", "test ! -e slow && echo quick"] },
        slow: { command: ["sh", "-c", wait, "slow"], timeoutMs: 3000 },
      },
    });
    const session = await proposed(scene);
    await session.write("a.txt", "A\n");
    const { verdicts } = await verify(scene, session);
    expect(verdicts).toMatchObject([
      { check: "quick", outcome: "passed" },
      { check: "slow", outcome: "timedOut" },
    ]);
    const controller = new AbortController();
    const begun = Promise.withResolvers<void>();
    const asked = { session: session.id, ...sh(`echo begun; ${wait}`) };
    const cancelled = scene.reviewer.call("session/verify", asked, {
      signal: controller.signal,
      onProgress: () => begun.resolve(),
    });
    const both = expect(cancelled).rejects.toMatchObject({ kind: "Cancelled" });
    await begun.promise;
    expect(layersLeft(scene)).toHaveLength(1);
    await expect(verify(scene, session, sh("true"))).rejects.toMatchObject({ kind: "Busy" });
    controller.abort();
    await both;
    expect(layersLeft(scene)).toEqual([]);
    expect((await session.get()).session.verdicts).toHaveLength(2);
  },
);

test.runIf(canLayer)(
  "an agent may ask for the checks that a trusted policy lets it, and for nothing else",
  async () => {
    const checks = { open: { command: ["true"], agents: true }, closed: { command: ["true"] } };
    await using scene = await scenario({ checks });
    const session = await proposed(scene);
    await session.write("a.txt", "A\n");
    const ask = (asked: object) =>
      scene.proposer.call("session/verify", { session: session.id, ...asked } as Params<"session/verify">);
    expect((await ask({})).verdicts.map(({ check }) => check)).toEqual(["open"]);
    for (const asked of [
      { checks: ["closed"] },
      sh("true"),
      { env: {} },
      { directory: "dir" },
      { timeoutMs: 1 },
    ])
      await expect(ask(asked)).rejects.toMatchObject({ kind: "NotPermitted" });
    await expect(ask({ checks: ["none"] })).rejects.toMatchObject({ kind: "InvalidParams" });
    await scene.reviewer.call("workspace/trust", { workspace: scene.workspace });
    await expect(ask({})).rejects.toMatchObject({ kind: "NotPermitted" });
  },
);

test.runIf(canLayer)(
  "tests that verify runs cannot apply, nor reach the tree or the daemon's state",
  async () => {
    await using scene = await scenario();
    const before = stamps(scene);
    const session = await proposed(scene);
    await session.write("a.txt", "proposed\n");
    const { sockets, stateDir, runtimeDir } = scene.home.locations;
    const { digest } = (await session.get()).session;
    const main = path.resolve(import.meta.dirname, "../../client/cli/main.ts");
    const ctl = `"${process.execPath}" "${main}"`;
    const call = JSON.stringify({ session: session.id, expectedDigest: digest });
    await session.write(
      "test.sh",
      `
    env -u IOPIPE_ROLE ${ctl} rpc session/apply '${call}'; echo "rpc $?"
    ${ctl} apply --yes --session ${session.id}; echo "apply $?"
    IOPIPE_ROLE=reviewer IOPIPE_RUNTIME_DIR="${runtimeDir}" ${ctl} apply --yes --session ${session.id}; echo "reviewer $?"
    ls "${sockets.reviewer}"; echo "socket $?"
    ls "${stateDir}/iopipe.db"; echo "state $?"
    umount "${scene.root}"; echo "umount $?"
    nsenter --target 1 --mount sh -c 'echo in >"${scene.root}/a.txt"'
    echo in >"/proc/1/root${scene.root}/a.txt"
    kill -9 ${process.pid}; echo "kill $?"
    ${ctl} disable; echo "disable $?"
    `,
    );
    const env = { ...process.env, ...scene.home.env };
    const { verdicts } = await verify(scene, session, {
      command: ["sh", "test.sh"],
      env: env as Record<string, string>,
    });
    const { output = "" } = verdicts[0] ?? {};
    for (const way of ["rpc", "apply", "reviewer", "socket", "state", "umount", "kill", "disable"])
      expect(output).toMatch(new RegExp(`^${way} [1-9]`, "m"));
    expect(stamps(scene)).toEqual(before);
    expect((await session.get()).session.patches).toMatchObject({ pending: 2, applied: 0 });
    expect((await scene.reviewer.call("operation/list", { workspace: scene.workspace })).operations).toEqual(
      [],
    );
  },
);

test.runIf(canLayer)(
  "nothing that is staged is run by what makes the layer, wherever programs are looked up",
  async () => {
    await using scene = await scenario();
    const session = await proposed(scene);
    const stolen = path.join(scene.home.directory, "stolen");
    const script = `#!/bin/sh\necho "$0 $*" >>"${stolen}"\nexit 1\n`;
    for (const name of ["mount", "setpriv", "unshare", "mkdir", "env", "sh", "hello"])
      await session.write(`bin/${name}`, script, { mode: 0o755 });
    const env = { PATH: `bin:${scene.root}/bin:${process.env.PATH}`, LD_LIBRARY_PATH: `${scene.root}/bin` };
    const { verdicts } = await verify(scene, session, { command: ["hello"], env });
    // The command itself is looked up as its own PATH says.
    expect(verdicts).toMatchObject([{ outcome: "failed", exitCode: 1 }]);
    expect(readFileSync(stolen, "utf8").trim().split("\n")).toEqual([expect.stringMatching(/bin\/hello/)]);
  },
);

test("where a command cannot be run, or there is nothing to verify, there is no verdict, and an error says why", async () => {
  await using scene = await scenario();
  const session = await proposed(scene);
  await expect(verify(scene, session, sh("true"))).rejects.toMatchObject({ kind: "IllegalState" });
  await session.write("a.txt", "A\n");
  await expect(verify(scene, session)).rejects.toMatchObject({
    kind: "IllegalState",
    message: expect.stringContaining("checks"),
  });
  await expect(verify(scene, session, { ...sh("true"), directory: "not/there" })).rejects.toMatchObject({
    kind: "IoFailed",
    data: { hint: expect.stringContaining("overlay") },
  });
  writeFileSync(path.join(scene.root, "a.txt"), "somebody's\n");
  await expect(verify(scene, session, sh("true"))).rejects.toMatchObject({ kind: "Stale" });
  await session.discard();
  await session.write("new/a.txt", "a\n");
  writeFileSync(path.join(scene.root, "new"), "somebody's\n");
  await expect(verify(scene, session, sh("true"))).rejects.toMatchObject({ kind: "NotAFile" });
  expect((await session.get()).session.verdicts).toBeUndefined();
  expect(layersLeft(scene)).toEqual([]);
});

test.runIf(canLayer)(
  "iopipectl verify streams what is printed, names each check, and exits 1 for what did not pass",
  async () => {
    await using scene = await scenario({
      checks: { good: { command: ["echo", "fine"] }, bad: { command: ["sh", "-c", "echo no >&2; exit 2"] } },
    });
    const ctl = (...args: string[]) => runInProcess(scene.home, args, { cwd: scene.root });
    expect(await ctl("verify")).toMatchObject({ code: 0, stdout: "Nothing is pending.\n" });
    const session = await scene.reviewer.openSession({ workspace: scene.workspace });
    await session.write("a.txt", "A\n");
    const failed = await ctl("verify");
    expect(failed.code).toBe(1);
    expect(failed.stdout).toMatch(
      /^good \| fine\ngood {2}passed {2}[\d.]+ s\nbad {2}failed \(exit 2\) {2}[\d.]+ s\n$/,
    );
    expect(failed.stderr).toBe("bad | no\n");
    expect((await ctl("show")).stdout).toMatch(/ \[bad failed, good passed\]\n {2}bad {2}failed/);
    expect(await ctl("verify", "--check", "good")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("review"),
    });
    const command = await ctl("verify", "--json", "--", "cat", "a.txt");
    expect(command).toMatchObject({ code: 0, stderr: "A\n" });
    expect(JSON.parse(command.stdout).verdicts).toMatchObject([{ command: ["cat", "a.txt"], output: "A\n" }]);
    expect((await ctl("verify", "--check", "good", "--", "true")).code).toBe(2);
    expect(readFileSync(path.join(scene.root, "a.txt"), "utf8")).toBe("a\n");
  },
);

test.runIf(canLayer)(
  "kill -9 of the daemon ends what it runs, and the next start leaves nothing of it",
  async () => {
    await using scene = await openScene({ killable: true });
    const session = await scene.proposer.openSession({ workspace: scene.workspace });
    await session.write("src/a.ts", "A\n");
    const before = stamps(scene);
    const begun = Promise.withResolvers<void>();
    const asked = { session: session.id, ...sh("touch made; echo begun; sleep 1000") };
    const lost = scene.reviewer.call("session/verify", asked, { onProgress: () => begun.resolve() });
    const fails = expect(lost).rejects.toThrow();
    await begun.promise;
    const [layer = ""] = layersLeft(scene);
    expect(processesIn(layer)).not.toEqual([]);
    await scene.end();
    await fails;
    await expect.poll(() => processesIn(layer)).toEqual([]);
    await scene.start();
    await expect.poll(() => layersLeft(scene)).toEqual([]);
    expect(stamps(scene)).toEqual(before);
    const { verdicts } = await scene.reviewer.call("session/verdicts", { session: session.id });
    expect(verdicts).toEqual([]);
  },
);

test.runIf(canLayer)("a client that takes none of the output holds nobody up", async () => {
  await using scene = await scenario();
  const session = await proposed(scene);
  await session.write("a.txt", "A\n");
  const client = await scene.raw("reviewer");
  client.socket.pause();
  const params = { session: session.id, ...sh("yes"), timeoutMs: 2000, progressToken: 1 };
  client.send({ jsonrpc: "2.0", id: 1, method: "session/verify", params });
  const verdicts = async () => (await session.get()).session.verdicts;
  await expect.poll(verdicts, { timeout: 30_000 }).toMatchObject([{ outcome: "timedOut" }]);
  // Its layer is still being removed.
  const again = () =>
    verify(scene, session, sh("true")).then(
      ({ verdicts }) => verdicts[0]?.outcome,
      () => "",
    );
  await expect.poll(again).toBe("passed");
});
