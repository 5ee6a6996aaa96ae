/**
 * What the system denies: directories that may not be read, and more watches than it has to give, at the start and
 * later. What is not seen is said, with what to do; what can be seen is told all the same. Source: watchman's test_perms;
 * inotify(7).
 */
import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { FileChange } from "../../../client/index.ts";
import { listed, told, walk } from "../../watch/fixture.ts";
import { openScene } from "../scene.ts";
import { expectSame, put, since, statusOf, sync, track } from "./tracked.ts";

const SLOW = { timeout: 120_000 };

/** Root reads what it likes: the daemon is started without that power. Anybody else has none. */
const POWERLESS =
  process.getuid?.() === 0
    ? ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all"]
    : [];

const openPowerless = (files: Record<string, string>) =>
  openScene({ files, killable: true, through: POWERLESS });

describe("a directory that may not be read", () => {
  test("from the start is a warning, and its files come when it may be", SLOW, async () => {
    await using scene = await openPowerless({ kept: "kept\n" });
    await scene.reviewer.call("workspace/close", { workspace: scene.workspace });
    const visible = new Map([...walk(scene.root)]);
    for (const file of ["closed/a", "closed/deep/b"]) scene.write(file, `${file}\n`);
    chmodSync(scene.at("closed"), 0o000);
    await scene.reviewer.call("workspace/open", { root: scene.root });
    const clock = await sync(scene);
    expectSame(listed((await since(scene)).changes), visible);
    expect((await statusOf(scene)).warnings).toEqual([
      expect.stringMatching(/^The directory closed cannot be read: EACCES/),
    ]);

    chmodSync(scene.at("closed"), 0o755);
    await sync(scene);
    expect(told((await since(scene, clock)).changes)).toEqual(["created closed/a", "created closed/deep/b"]);
    const tracked = await track(scene);
    scene.write("closed/deep/b", "edited\n");
    expect(await tracked.check()).toEqual(["modified closed/deep/b content"]);
  });

  test("for a while keeps its files, and their changes come when it may be again", SLOW, async () => {
    await using scene = await openPowerless({ "d/a": "a\n", "d/deep/b": "b\n" });
    const tracked = await track(scene);
    for (let n = 0; n < 3; n++) {
      chmodSync(scene.at("d"), 0o000);
      expect(await tracked.check()).toEqual([]);
      // Written by somebody who may.
      scene.write("d/a", `${n}\n`);
      scene.write(`d/deep/new${n}`, "new\n");
      await sync(scene);
      chmodSync(scene.at("d"), 0o755);
      await tracked.check();
    }
    scene.remove("d");
    expect(await tracked.check()).toHaveLength(5);
  });

  test("that is the root is said to be gone, until it may be", SLOW, async () => {
    await using scene = await openPowerless({ "d/a": "a\n" });
    const tracked = await track(scene);
    const { reviewer, workspace, root } = scene;
    chmodSync(root, 0o000);
    await expect(reviewer.call("watch/sync", { workspace })).rejects.toMatchObject({
      kind: "RootGone",
      message: expect.stringContaining("may not be read"),
    });
    expect((await statusOf(scene)).state).toBe("suspended");
    scene.write("d/a", "edited\n");
    scene.write("b", "new\n");
    chmodSync(root, 0o755);
    await expect.poll(async () => (await statusOf(scene)).state).not.toBe("suspended");
    expect(await tracked.check()).toEqual(["created b", "modified d/a content"]);
  });
});

const LIMIT = 60;

/** A user namespace of its own, with few watches for all of its programs. Source: user_namespaces(7), namespaces(7). */
const FEW_WATCHES = [
  "unshare",
  "--user",
  "--map-root-user",
  "sh",
  "-c",
  `echo ${LIMIT} > /proc/sys/user/max_inotify_watches && exec "$@"`,
  "sh",
];

const canLimit = ((): boolean => {
  try {
    execFileSync(FEW_WATCHES[0] as string, [...FEW_WATCHES.slice(1), "true"], { stdio: "pipe" });
    return true;
  } catch (error) {
    process.stderr.write(`NOT TESTED: few watches; no user namespace to be had (${String(error)}).\n`);
    return false;
  }
})();

describe.runIf(canLimit)("a limit of watches that is too low", () => {
  const files = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`d${n}/f`, "x\n"]));

  test.for([
    ["at the start", 200],
    ["later", 10],
  ] as const)("%s is said, with the numbers; what is not watched is polled", SLOW, async ([, count]) => {
    await using scene = await openScene({ files: files(count), killable: true, through: FEW_WATCHES });
    const tracked = await track(scene);
    for (const file of Object.keys(files(200))) scene.write(file, "written\n");
    expect(await tracked.check()).toHaveLength(200);
    await expect.poll(async () => (await statusOf(scene)).state).toBe("polling");
    const polled = async () => (await statusOf(scene)).warnings.join("\n");
    await expect.poll(polled).toContain(`user.max_inotify_watches = ${LIMIT},`);
    expect(await polled()).toMatch(
      /this root has \d+ directories.*sudo sysctl user\.max_inotify_watches=\d+/,
    );
    const wanted = Number(/max_inotify_watches=(\d+)/.exec(await polled())?.[1]);
    expect(wanted).toBeGreaterThan(count === 200 ? 200 : LIMIT);

    // Told without being asked for.
    const client = await scene.raw("proposer");
    await client.request("watch/subscribe", { workspace: scene.workspace, include: ["d9/f", "d150/new/f"] });
    for (const file of ["d9/f", "d150/new/f"]) {
      put(scene, file, "edited\n");
      const { params } = await client.next();
      expect(params.changes).toMatchObject([{ path: file }]);
    }
    await tracked.check();
  });

  test("an own write and somebody's edit between two polls are told apart", SLOW, async () => {
    await using scene = await openScene({ files: files(200), killable: true, through: FEW_WATCHES });
    const tracked = await track(scene);
    await expect.poll(async () => (await statusOf(scene)).state).toBe("polling");
    const client = await scene.raw("proposer");
    await client.request("watch/subscribe", { workspace: scene.workspace });
    for (let n = 0; n < 5; n++) {
      // Too many for the watches that there are: most of them are polled.
      const paths = Array.from({ length: 40 }, (_, m) => `d${n * 40 + m}/f`);
      const session = await scene.reviewer.openSession({ workspace: scene.workspace });
      for (const file of paths) await session.write(file, `ours ${n}\n`);
      const { operation } = await session.apply((await session.diff()).digest ?? "");
      const edited = paths.filter((_, m) => m % 2 === 0);
      for (const file of edited) appendFileSync(scene.at(file), "theirs\n");
      const last = new Map<string, FileChange>();
      while (
        paths.some((file) => last.get(file)?.origin !== (edited.includes(file) ? "external" : "iopipe"))
      ) {
        const { params } = await client.next();
        for (const change of params.changes as FileChange[]) {
          if (!last.has(change.path) && change.origin === "iopipe")
            expect(change).toMatchObject({ operation: operation.id });
          last.set(change.path, change);
        }
      }
      const from = tracked.clock;
      expect(await tracked.check()).toEqual(paths.toSorted().map((file) => `modified ${file} content`));
      const origins = (await since(scene, from)).changes.map((change) => [change.path, change.origin]);
      expect(new Map(origins as [string, string][])).toEqual(
        new Map(paths.map((file) => [file, edited.includes(file) ? "external" : "iopipe"])),
      );
    }
  });
});
