/** `iopipectl verify` as root and as an ordinary user: the same tree in the layer, and nothing of it outside. */
import { describe, expect, test } from "vitest";
import { canLayer } from "./layers.ts";
import { openUserScene, USERS } from "./users.ts";

const FILES = { "a.txt": "a\n", "gone/x": "x\n", "kept/x": "x\n", "kept/y": "y\n", "closed/x": "x\n" };

const DIFF = `diff --git a/a.txt b/a.txt
--- a/a.txt
+++ b/a.txt
@@ -1 +1 @@
-a
+A
diff --git a/gone/x b/gone/x
deleted file mode 100644
--- a/gone/x
+++ /dev/null
@@ -1 +0,0 @@
-x
diff --git a/kept/x b/moved/x
similarity index 100%
rename from kept/x
rename to moved/x
`;

describe.runIf(canLayer).each(USERS)("$name", (user) => {
  test("verifies what is staged", async () => {
    await using scene = openUserScene(user, FILES);
    scene.write("change.diff", DIFF);
    scene.own();
    const before = scene.tree();
    expect((await scene.ctl("stage", "--patch", "change.diff")).code).toBe(0);
    const script = "cat a.txt moved/x; ls -d gone kept moved; echo new > made; id -u; stat -c %u a.txt";
    const { code, stdout, stderr } = await scene.ctl("verify", "--", "sh", "-c", script);
    expect(stdout).toMatch(/^A\nx\nkept\nmoved\n(\d+)\n\1\nsh -c .* {2}passed/);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/'gone'/) });
    expect((await scene.ctl("verify", "--", "sh", "-c", "exit 9")).stdout).toMatch(/failed \(exit 9\)/);
    expect(scene.tree()).toEqual(before);
  });
});
