/**
 * A root on a file system that does not report what others do to it: it is polled, and says so. Source: watchman's
 * test_fstype; parcel-bundler/watcher#230.
 */
import { rmSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { unreportedType } from "../../../daemon/watch/limits.ts";
import { canServe, type ForeignDisk, foreignDisk } from "../../fixture/foreign-disk.ts";
import { listed, told, walk } from "../../watch/fixture.ts";
import { openScene, type Scene } from "../scene.ts";
import { expectSame, put, since, statusOf, type Watched } from "./tracked.ts";

const SLOW = { timeout: 120_000 };

async function open({ reviewer }: Scene, { path: root }: ForeignDisk): Promise<Watched> {
  const { workspace } = await reviewer.call("workspace/open", { root });
  return { reviewer, workspace: workspace.id, root };
}

test.runIf(canServe)("others' changes on a FUSE mount are told, by polling", SLOW, async () => {
  await using scene = await openScene({ killable: true });
  const behind = path.join(scene.home.directory, "behind");
  const write = (file: string, text: string): void => put({ root: behind }, file, text);
  for (const file of ["a", "d/b", "d/deep/c"]) write(file, `${file}\n`);
  await using disk = await foreignDisk(behind);
  const watched = await open(scene, disk);
  const { workspace } = watched;
  // No barrier here proves anything; it looks at everything all the same.
  const { clock, verified } = await scene.reviewer.call("watch/sync", { workspace });
  expect(verified).toBe(false);
  expect(await statusOf(watched)).toMatchObject({
    state: "polling",
    warnings: [expect.stringMatching(/^The root is on FUSE, which does not report others' changes/)],
  });

  write("a", "edited\n");
  write("new/file", "new\n");
  rmSync(path.join(behind, "d/deep"), { recursive: true });
  await scene.reviewer.call("watch/sync", { workspace });
  const { changes } = await since(watched, clock);
  expect(told(changes)).toEqual(["modified a content", "deleted d/deep/c", "created new/file"]);
  expectSame(listed((await since(watched)).changes), walk(behind));

  // And without being asked.
  const client = await scene.raw("proposer");
  await client.request("watch/subscribe", { workspace });
  for (let n = 0; n < 3; n++) {
    write("d/b", `${n}\n`);
    const { params } = await client.next();
    expect(told(params.changes)).toEqual(["modified d/b content"]);
  }
  await scene.reviewer.call("workspace/close", { workspace });
});

test.runIf(canServe)("files that clients wait for are looked at between two crawls", SLOW, async () => {
  await using scene = await openScene({ killable: true });
  const behind = path.join(scene.home.directory, "behind");
  const write = (file: string, text: string): void => put({ root: behind }, file, text);
  // Enough of them that a crawl is not over in a moment.
  for (let n = 0; n < 1000; n++) write(`src/f${n}`, "x\n");
  write("package.json", "{}\n");
  await using disk = await foreignDisk(behind);
  const watched = await open(scene, disk);
  const { workspace } = watched;
  await scene.reviewer.call("watch/sync", { workspace });
  const session = await scene.reviewer.openSession({ workspace });
  await session.write("src/f7", "staged\n");

  const client = await scene.raw("proposer");
  await client.request("watch/subscribe", { workspace, priorities: ["HIGH"] });
  const { crawls } = await statusOf(watched);
  const CHANGES = 20;
  for (let n = 0; n < CHANGES; n++) {
    const file = n % 2 === 0 ? "package.json" : "src/f7";
    write(file, `${n}\n`);
    const { params } = await client.next();
    expect(params.changes).toMatchObject([{ path: file, priority: "HIGH", changed: ["content"] }]);
  }
  // Each crawl is followed by a pause of twenty times its own length.
  expect((await statusOf(watched)).crawls - crawls).toBeLessThan(CHANGES / 2);
  await scene.reviewer.call("workspace/close", { workspace });
});

test("file systems of other machines are known by their numbers", () => {
  const names = [0x6969, 0xff534d42, 0xfe534d42, 0x517b, 0x65735546, 0x01021997].map(unreportedType);
  expect(names).toEqual(["NFS", "CIFS", "SMB2", "SMB", "FUSE", "9p"]);
  // ext4, btrfs, xfs, tmpfs, overlayfs.
  const local = [0xef53, 0x9123683e, 0x58465342, 0x01021994, 0x794c7630].map(unreportedType);
  expect(local).toEqual(Array(5).fill(undefined));
});
