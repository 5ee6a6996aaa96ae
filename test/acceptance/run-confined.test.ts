/**
 * What a command in a layer tries in order to reach the real tree, or to have its own changes applied; as each user.
 * What the kernel cannot prevent is in the README ("What it cannot catch").
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CTL_COMMAND } from "../fixture/cli.ts";
import { openUserScene, USERS, type UserScene } from "./users.ts";

const FILES = { a: "a\n", "d/b": "b\n" };

/** Runs a script that tries something, and says whether it came through. */
const attempt = (scene: UserScene, script: string) => scene.ctl("run", "--discard", "--", "sh", "-c", script);

describe.each(USERS)("as $name", (user) => {
  let scene: UserScene;
  beforeAll(async () => {
    scene = openUserScene(user, FILES);
    await scene.ctl("status");
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  test.each<[string, string]>([
    ["unmounting the layer", 'umount "$ROOT" || umount -l "$ROOT" || umount -R "$ROOT"'],
    ["the namespaces of process 1", 'nsenter -t 1 -m sh -c "echo out > $ROOT/a"'],
    ["the root of process 1", 'echo out > "/proc/1/root$ROOT/a"; cat /proc/1/environ'],
    [
      "the directory or descriptors of process 1",
      "ls /proc/1/cwd/ || readlink /proc/1/fd/0 || readlink /proc/1/fd/10 || readlink /proc/1/exe",
    ],
    ["the process that started it", 'kill -0 "$PARENT" || ls -d "/proc/$PARENT"'],
    [
      "unmounting it in namespaces of its own",
      'unshare --user --map-root-user --mount sh -c \'umount "$ROOT" || umount -l "$ROOT"\'',
    ],
    [
      "binding what is below it elsewhere",
      'mkdir /tmp/below.$$; trap "rmdir /tmp/below.$$" EXIT; ' +
        "unshare --user --map-root-user --mount mount --bind / /tmp/below.$$",
    ],
    ["mounting over it", 'mount --bind /tmp "$ROOT" || mount -t tmpfs none "$ROOT"'],
    ["a device of the disk", 'mknod disk b "$(stat -c "%Hd %Ld" "$ROOT")" || mknod /tmp/disk.$$ b 8 0'],
    [
      "the disk itself",
      'test -b "$(findmnt --noheadings --output SOURCE --target / | sed "s/\\[.*//")" && test "$(id -u)" = 0',
    ],
    [
      "what the kernel starts",
      "for file in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /sys/kernel/uevent_helper /sys/fs/cgroup/*/cgroup.procs; do " +
        'test -w "$file" && test -e "$file" && exit 70; done; false',
    ],
    ["a file of the layer's own directory", 'ls "$STATE"/layers/*'],
    ["the store", 'ls "$STATE"/iopipe.db "$STATE"/daemon.json'],
    [
      "taking the place of the proposer's socket",
      'cd "$STATE/run/propose" && { rm iopiped.sock || mv iopiped.sock x || touch x; }',
    ],
    ["the reviewer's socket", 'ls "$STATE"/run/iopiped.sock'],
  ])("%s is refused", async (_, script) => {
    const { stateDir } = scene.home.locations;
    const { code, stderr } = await attempt(
      scene,
      `ROOT='${scene.root}' STATE='${stateDir}' PARENT=${process.pid}; export ROOT; (${script}) && exit 70; ` +
        `cat a; echo in > a; exit 71`,
    );
    expect({ code, stderr }).toEqual({ code: 71, stderr: expect.any(String) });
    expect(scene.read("a")).toBe("a\n");
  });

  test("a proposer's verbs work, a reviewer's are refused, in whatever role it says that it has", async () => {
    const { code, stdout, stderr } = await attempt(
      scene,
      `echo in > a
       ${CTL_COMMAND} diff | grep -q '^+in' || exit 60
       ${CTL_COMMAND} apply --yes; [ $? = 77 ] || exit 61
       ${CTL_COMMAND} rpc daemon/stop; [ $? = 77 ] || exit 62
       unset IOPIPE_ROLE
       ${CTL_COMMAND} apply --yes && exit 63
       IOPIPE_ROLE=reviewer ${CTL_COMMAND} apply --yes && exit 64
       ${CTL_COMMAND} run -- true; [ $? = 125 ] || exit 65
       pkill -9 -f iopiped; kill -9 -1
       exit 0`,
    );
    expect({ code, stdout, stderr }).toMatchObject({ code: expect.any(Number) });
    expect([0, 137]).toContain(code);
    expect(scene.read("a")).toBe("a\n");
    expect(await scene.ctl("daemon", "status", "--json")).toMatchObject({ code: 0 });
  });

  test("a daemon of its own on the same state finds nothing, and harms nothing", async () => {
    const { pid } = JSON.parse((await scene.ctl("daemon", "status", "--json")).stdout);
    await attempt(
      scene,
      `unset IOPIPE_ROLE IOPIPE_SESSION IOPIPE_LAYER; echo in > a; timeout 5 ${CTL_COMMAND} daemon start; timeout 5 ${CTL_COMMAND} apply --yes`,
    );
    expect(scene.read("a")).toBe("a\n");
    expect(JSON.parse((await scene.ctl("daemon", "status", "--json")).stdout)).toMatchObject({ pid });
  });

  test("a nested run is refused", async () => {
    const { code, stderr } = await attempt(scene, `${CTL_COMMAND} run -- true`);
    expect({ code, stderr }).toEqual({ code: 125, stderr: expect.stringContaining("in a layer") });
  });

  test("it has the user's own ids, and root's capabilities only as containers have them", async () => {
    const { stdout } = await attempt(scene, 'echo "$(id -u):$(id -g)"; grep CapEff /proc/self/status');
    const [ids, capabilities = ""] = stdout.trim().split("\n");
    const uid = user.through.length > 0 ? 54_321 : process.getuid?.();
    expect(ids).toBe(`${uid}:${uid}`);
    // CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_MKNOD, CAP_SYS_RAWIO, CAP_SYS_MODULE: capabilities(7).
    const held = BigInt(`0x${capabilities.split("\t")[1]}`);
    for (const bit of [21n, 19n, 2n, 27n, 17n, 16n]) expect((held >> bit) & 1n).toBe(0n);
  });
});
