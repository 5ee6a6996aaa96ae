/**
 * A root on a file system that does not report what others do to it: it is polled, and says so. Source: watchman's
 * test_fstype; parcel-bundler/watcher#230; research P21.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { canServe, foreignDisk } from "../../fixture/foreign-disk.ts";
import { listed, told, walk } from "../../watch/fixture.ts";
import { openScene } from "../scene.ts";
import { expectSame, since, statusOf } from "./tracked.ts";

test.runIf(canServe)(
  "others' changes on a FUSE mount are told, by polling",
  { timeout: 120_000 },
  async () => {
    await using scene = await openScene({ killable: true });
    const behind = path.join(scene.home.directory, "behind");
    const write = (file: string, text: string): void => {
      mkdirSync(path.dirname(path.join(behind, file)), { recursive: true });
      writeFileSync(path.join(behind, file), text);
    };
    for (const file of ["a", "d/b", "d/deep/c"]) write(file, `${file}\n`);
    await using disk = await foreignDisk(behind);
    const opened = await scene.reviewer.call("workspace/open", { root: disk.path });
    const workspace = opened.workspace.id;
    const watched = { reviewer: scene.reviewer, workspace, root: disk.path };
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
  },
);
