/**
 * What a file has beside its bytes survives every change of them: owner, group, special mode bits, extended attributes,
 * ACLs. On real files; after power cuts the model asks the same (its files of a stranger have an attribute).
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTree, type Port } from "../daemon/disk/index.ts";
import { planUndo, promote } from "../daemon/promotion/index.ts";
import type { OperationRow } from "../daemon/store/index.ts";
import { acl, canSet, extendedOf, setExtended } from "./fixture/extended.ts";
import { type House, openHouse, QUICK, type Root } from "./promotion/house.ts";
import { counting, crashingAt, errno, type Fault, faulty, portWith } from "./promotion/ports.ts";

const ACCESS = "system.posix_acl_access";
const DEFAULT = "system.posix_acl_default";
/** Alice (1234) may read, the owning group nothing, though the mode seems to let it read and write. */
const ALICE = acl(["user", 6], ["named", 4, 1234], ["group", 0], ["mask", 6], ["other", 0]);
/** cap_net_bind_service, permitted and effective. Linux: uapi/linux/capability.h, revision 2. */
const CAPABILITY = Buffer.from("0100000200040000000000000000000000000000", "hex");

const isRoot = process.getuid?.() === 0;
const hasUser = canSet("user.iopipe", "x");
const hasAcl = canSet(ACCESS, ALICE);
const hasCapability = isRoot && canSet("security.capability", CAPABILITY);
const hasTrusted = isRoot && canSet("trusted.iopipe", "x");
const LARGE = Buffer.alloc(64 * 1024, "large");
const hasLarge = hasUser && canSet("user.large", LARGE, QUICK);

let house: House;
let quick: House;
beforeAll(() => {
  house = openHouse();
  quick = openHouse(QUICK);
});
afterAll(() => {
  house.close();
  quick.close();
});

/** Everything but the bytes. */
function attributesOf(path: string): unknown {
  const { uid, gid, mode } = fs.statSync(path);
  return { uid, gid, mode: (mode & 0o7777).toString(8), extended: extendedOf(path) };
}

/** Gives the file whatever this machine lets a file have. */
function decorate(path: string): void {
  if (isRoot) fs.chownSync(path, 12, 34);
  setExtended(path, "user.text", "déjà vu");
  setExtended(path, "user.binary", Buffer.from([0, 255, 10, 0]));
  setExtended(path, "user.empty", "");
  setExtended(path, "user.odd \n\xff=#", "odd");
  for (let n = 0; n < 50; n++) setExtended(path, `user.many${n}`, `${n}`);
  if (hasCapability) setExtended(path, "security.capability", CAPABILITY);
  if (hasTrusted) setExtended(path, "trusted.iopipe", "trusted");
  if (hasAcl) setExtended(path, ACCESS, ALICE);
  fs.chmodSync(path, 0o6770);
}

const kindOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "applied",
    (error: { kind: string; message: string }) => [error.kind, error.message],
  );

const ODD = "dir\nec\\tory/ä \"'$`name\n";

describe.runIf(hasUser)("extended attributes, owner and mode", () => {
  async function decorated(path: string): Promise<{ root: Root; had: unknown }> {
    const root = house.root({ [path]: "old" });
    decorate(root.at(path));
    return { root, had: attributesOf(root.at(path)) };
  }

  test.each(["f", ODD])("stay when the content of %j changes, and when that is undone", async (path) => {
    const { root, had } = await decorated(path);
    const operation = await house.apply(root, [await house.change(root, path, "new")]);
    expect(root.read(path)).toBe("new");
    expect(attributesOf(root.at(path))).toEqual(had);
    setExtended(root.at(path), "user.later", "stays");
    await house.undo(root, operation);
    expect(root.read(path)).toBe("old");
    expect(extendedOf(root.at(path))).toContainEqual(["user.later", "stays"]);
  });

  test("go with a renamed file, also when it is edited, and come back", async () => {
    const { root, had } = await decorated("f");
    const [gone, come] = await house.rename(root, "f", "sub/g");
    const edited = await house.change(root, "sub/g", "new");
    if (!gone || !come) throw new Error("a rename is two");
    const after = { ...edited.after, mode: undefined };
    const operation = await house.apply(root, [gone, { ...come, after }]);
    expect(root.read("sub/g")).toBe("new");
    expect(attributesOf(root.at("sub/g"))).toEqual(had);
    await house.undo(root, operation);
    expect(attributesOf(root.at("f"))).toEqual(had);
  });

  test.each([
    ["deleted", undefined],
    ["replaced by a symlink", "-> elsewhere"],
  ])("come back when a file that was %s does, as often as one likes", async (_how, content) => {
    const { root, had } = await decorated(ODD);
    let operation = await house.apply(root, [await house.change(root, ODD, content)]);
    for (let round = 0; round < 2; round++) {
      operation = await house.undo(root, operation);
      expect(root.read(ODD)).toBe("old");
      expect(attributesOf(root.at(ODD))).toEqual(had);
      operation = await house.undo(root, operation);
      expect(fs.existsSync(root.at(ODD))).toBe(false);
    }
  });

  test("a mode that changes with the content goes into the ACL", async () => {
    const { root } = await decorated("f");
    await house.apply(root, [await house.change(root, "f", { text: "new", mode: 0o640 })]);
    expect(fs.statSync(root.at("f")).mode & 0o7777).toBe(0o640);
    if (!hasAcl) return;
    const narrowed = acl(["user", 6], ["named", 4, 1234], ["group", 0], ["mask", 4], ["other", 0]);
    expect(extendedOf(root.at("f"))).toContainEqual([ACCESS, narrowed.toString("latin1")]);
  });

  test("are there before anybody else may read the new file", async () => {
    const { root, had } = await decorated("f");
    let seen: unknown;
    const port = portWith((real) => ({
      chmod: async (file, mode) => {
        seen = extendedOf(fs.readlinkSync(`/proc/self/fd/${file}`));
        await real.chmod(file, mode);
      },
    }));
    const tree = openTree(root.path, [], port);
    await house.apply(root, [await house.change(root, "f", "new")], { tree });
    const names = (list: unknown) => (list as [string][]).map(([name]) => name);
    expect(names(seen)).toEqual(names((had as { extended: unknown }).extended));
  });

  test("that somebody changes meanwhile are not lost: the change is refused", async () => {
    const { root } = await decorated("f");
    const change = await house.change(root, "f", "new");
    const port = portWith((real) => ({
      sync: async (file) => {
        setExtended(root.at("f"), "user.text", "changed");
        await real.sync(file);
      },
    }));
    const applied = house.apply(root, [change], { tree: openTree(root.path, [], port) });
    expect(await kindOf(applied)).toEqual(["Conflict", "The attributes of 'f' were changed meanwhile."]);
    expect(extendedOf(root.at("f"))).toContainEqual(["user.text", "changed"]);
    expect(root.read("f")).toBe("old");
  });

  test.each(["readExtended", "setExtended"] as const)(
    "that cannot be kept (%s) make the change be refused, before anything is touched",
    async (call) => {
      const { root, had } = await decorated("f");
      const before = root.snapshot();
      const refuse = () => {
        throw errno("EPERM", "lsetxattr");
      };
      const tree = (replaced: Partial<Port>) =>
        openTree(
          root.path,
          [],
          portWith(() => replaced),
        );
      const change = await house.change(root, "f", "new");
      const [kind, message] = (await kindOf(
        house.apply(root, [change], { tree: tree({ [call]: refuse }) }),
      )) as string[];
      expect(kind).toBe("AccessDenied");
      expect(message).toMatch(/^'f' has .*extended attribute.* \(EPERM\): .*setfattr -x/);
      expect(root.snapshot()).toEqual(before);
      expect(attributesOf(root.at("f"))).toEqual(had);
    },
  );

  test("of a deleted file come back whatever moment the daemon dies at", async () => {
    const snapshot = async (root: Root) => {
      const paths = ["gone", "kept", "new"].filter((path) => fs.existsSync(root.at(path)));
      return [fs.readdirSync(root.path), await Promise.all(paths.map((path) => attributesOf(root.at(path))))];
    };
    const prepared = async () => {
      const root = quick.root({ gone: "gone", kept: "kept" });
      for (const path of ["gone", "kept"]) setExtended(root.at(path), "user.of", path);
      const old = await snapshot(root);
      const changes = [
        await quick.change(root, "gone", undefined),
        await quick.change(root, "kept", "changed"),
        await quick.change(root, "new", "new"),
      ];
      const { id } = await quick.apply(root, changes);
      return { root, old, now: await snapshot(root), operation: quick.store.operations.require(id) };
    };
    const undo = async (root: Root, operation: OperationRow, fault: Fault) => {
      const { tree, store } = faulty(root.path, quick.store, fault);
      const plan = await planUndo(operation, openTree(root.path));
      await promote({ workspace: root.workspace, tree, kind: "undo", undoes: operation.id, ...plan }, store);
    };
    const whole = await prepared();
    const counted = counting();
    await undo(whole.root, whole.operation, counted);
    expect(await snapshot(whole.root)).toEqual(whole.old);
    for (let at = 1; at <= counted.calls; at += 3) {
      const { root, old, now, operation } = await prepared();
      await undo(root, operation, crashingAt(at)).catch(() => undefined);
      await quick.recover(root);
      expect([old, now], `died at call ${at}`).toContainEqual(await snapshot(root));
    }
  });
});

test.runIf(hasLarge)("values of 64 KiB are kept", async () => {
  const root = quick.root({ f: "old" });
  for (let n = 0; n < 15; n++) setExtended(root.at("f"), `user.large${n}`, LARGE);
  const had = attributesOf(root.at("f"));
  const operation = await quick.apply(root, [await quick.change(root, "f", undefined)]);
  await quick.undo(root, operation);
  expect(attributesOf(root.at("f"))).toEqual(had);
});

describe.runIf(hasAcl)("a directory's default ACL", () => {
  const TEAM = acl(["user", 7], ["named", 7, 1234], ["group", 5], ["mask", 7], ["other", 0]);

  async function shared(): Promise<Root> {
    const root = house.root({ "team/old": "old" });
    setExtended(root.at("team"), DEFAULT, TEAM);
    return root;
  }

  test("gives a new file what any other new file there gets, in new directories too", async () => {
    const root = await shared();
    fs.mkdirSync(root.at("team/theirs"));
    for (const path of ["team/plain", "team/theirs/plain"]) fs.writeFileSync(root.at(path), "");
    const mode = await openTree(root.path).modeOfNewFile("team");
    expect(mode).toBe(fs.statSync(root.at("team/plain")).mode & 0o7777);
    const image = async (path: string) => house.change(root, path, { text: "new", mode });
    await house.apply(root, [await image("team/new"), await image("team/ours/new")]);
    expect(attributesOf(root.at("team/new"))).toEqual(attributesOf(root.at("team/plain")));
    expect(attributesOf(root.at("team/ours"))).toEqual(attributesOf(root.at("team/theirs")));
    expect(attributesOf(root.at("team/ours/new"))).toEqual(attributesOf(root.at("team/theirs/plain")));
  });

  test("is no reason for a file without an ACL to get one when it changes", async () => {
    const root = await shared();
    const had = attributesOf(root.at("team/old"));
    await house.apply(root, [await house.change(root, "team/old", "new")]);
    expect(attributesOf(root.at("team/old"))).toEqual(had);
  });

  test.each([0o660, 0o600])("leaves a file of mode %o, whose ACL is from there, its own", async (mode) => {
    const root = await shared();
    fs.writeFileSync(root.at("team/file"), "old");
    fs.chmodSync(root.at("team/file"), mode);
    const had = attributesOf(root.at("team/file"));
    await house.apply(root, [await house.change(root, "team/file", "new")]);
    expect(attributesOf(root.at("team/file"))).toEqual(had);
  });

  test("may have no mask", async () => {
    const root = house.root();
    setExtended(root.path, DEFAULT, acl(["user", 7], ["group", 6], ["other", 0]));
    fs.writeFileSync(root.at("plain"), "");
    expect(await openTree(root.path).modeOfNewFile("")).toBe(fs.statSync(root.at("plain")).mode & 0o7777);
  });
});

test("a file system that has none at all is no reason to refuse", async () => {
  const root = house.root({ f: "old" });
  const port = portWith(() => ({
    readExtended: () => {
      throw errno("ENOTSUP", "llistxattr");
    },
  }));
  await house.apply(root, [await house.change(root, "f", "new")], { tree: openTree(root.path, [], port) });
  expect(root.read("f")).toBe("new");
});

test("a file that is gone before its attributes are read is stale", async () => {
  const root = house.root({ gone: "x", f: "old" });
  const changes = [await house.change(root, "gone", undefined), await house.change(root, "f", "new")];
  const port = portWith((real) => ({
    sync: async (file) => {
      fs.rmSync(root.at("gone"), { force: true });
      await real.sync(file);
    },
  }));
  const applied = house.apply(root, changes, { tree: openTree(root.path, [], port) });
  expect(await kindOf(applied)).toMatchObject(["Stale", expect.stringContaining("'gone'")]);
  expect(root.snapshot()).toEqual({ f: "644 old" });
});

test.runIf(isRoot)("a new file in a setgid directory takes its group, and the umask's mode", async () => {
  const root = house.root({ "d/f": "" });
  fs.chownSync(root.at("d"), 12, 34);
  fs.chmodSync(root.at("d"), 0o2755);
  await house.apply(root, [
    await house.change(root, "d/new", "new"),
    await house.change(root, "d/sub/new", "new"),
  ]);
  const mode = 0o666 & ~process.umask();
  for (const path of ["d/new", "d/sub/new"]) {
    const stat = fs.statSync(root.at(path));
    expect([stat.gid, stat.mode & 0o7777]).toEqual([34, mode]);
  }
  expect(fs.statSync(join(root.path, "d/sub"))).toMatchObject({ gid: 34 });
  expect(fs.statSync(root.at("d/sub")).mode & 0o2000).toBe(0o2000);
});
