/** Files that do not pass through memory: taken piece by piece from disk to blob and back, exactly or not at all. */
import * as fs from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTree, type Port } from "../daemon/disk/index.ts";
import { openIntake } from "../daemon/store/intake.ts";
import { type House, openHouse, sha256 } from "./promotion/house.ts";
import { errno, portWith } from "./promotion/ports.ts";
import { makeScene } from "./staging-scene.ts";

const MiB = 1024 * 1024;
const LARGE = "0123456789abcdef".repeat((3 * MiB) / 16);

let house: House;
beforeAll(() => {
  house = openHouse();
});
afterAll(() => house.close());

describe("a file of the tree becomes a blob", () => {
  const partials = (scene: { root: string }) => fs.readdirSync(join(scene.root, "../state/blobs/partial"));

  test("of any size, durable under its hash, with nothing left beside it", async () => {
    const scene = makeScene({ large: LARGE, small: "small" });
    for (const [path, text] of Object.entries({ large: LARGE, small: "small" })) {
      const image = await scene.store.blobs.take((sink) => scene.tree.image(path, sink));
      expect(image.hash).toBe(sha256(text));
      expect((await scene.store.blobs.read(sha256(text))).toString() === text).toBe(true);
      // Taken twice, it is there once.
      expect(await scene.store.blobs.take((sink) => scene.tree.image(path, sink))).toEqual(image);
    }
    expect(await scene.store.blobs.take((sink) => scene.tree.image("none", sink))).toEqual({ exists: false });
    expect(partials(scene)).toEqual([]);
  });

  test("as it was at one moment: what was read before somebody wrote does not count", async () => {
    const scene = makeScene({ f: LARGE });
    let edits = 1;
    const port = portWith((real) => ({
      read: async (file, into) => {
        if (edits-- > 0) fs.appendFileSync(join(scene.root, "f"), "x");
        return real.read(file, into);
      },
    }));
    const { hash } = await scene.store.blobs.take((sink) => openTree(scene.root, [], port).image("f", sink));
    expect(hash).toBe(sha256(`${LARGE}x`));
    expect((await scene.store.blobs.read(hash as string)).toString() === `${LARGE}x`).toBe(true);
  });

  test("not at all where it fails or is cancelled", async () => {
    const scene = makeScene({ f: LARGE });
    const failing = portWith((real) => {
      let reads = 0;
      return {
        read: async (file, into) => {
          if (reads++ > 2) throw errno("EIO", "read");
          return real.read(file, into);
        },
      };
    });
    const taking = scene.store.blobs.take((sink) => openTree(scene.root, [], failing).image("f", sink));
    await expect(taking).rejects.toMatchObject({ code: "EIO", path: "f" });
    expect(scene.store.blobs.has(sha256(LARGE))).toBe(false);
    expect(partials(scene)).toEqual([]);
  });

  test("a store that cannot take it says so, and does not blame the file", async () => {
    const scene = makeScene({ f: LARGE });
    fs.rmdirSync(join(scene.root, "../state/blobs/partial"));
    await expect(scene.store.blobs.take((sink) => scene.tree.image("f", sink))).rejects.toMatchObject({
      kind: "IoFailed",
      message: "The store could not keep the content: ENOENT.",
    });
    const intake = openIntake(join(scene.root, "file"), 0);
    const defect = { length: 1 } as Uint8Array;
    await expect(intake.piece(defect)).rejects.toThrow(TypeError);
    await intake.drop();
  });

  test("a blob's file that was cut short is not passed on as whole", async () => {
    const scene = makeScene();
    const hash = await scene.store.blobs.put(Buffer.from(LARGE));
    fs.truncateSync(join(scene.root, "../state/blobs", hash.slice(0, 2), hash), 2 * MiB);
    const read = async () => {
      for await (const _ of scene.store.blobs.pieces(hash));
    };
    await expect(read()).rejects.toMatchObject({ kind: "IoFailed" });
    await expect(scene.store.blobs.read(hash)).rejects.toMatchObject({ kind: "IoFailed" });
  });
});

describe("images of large files that are shown", () => {
  /** A tree that counts how often a file is read from its beginning to its end. */
  const counting = (root: string) => {
    const seen = { hashed: 0 };
    const port = portWith((real: Port) => ({
      openFile: (dir, name) => {
        seen.hashed++;
        return real.openFile(dir, name);
      },
    }));
    return { seen, tree: openTree(root, [], port) };
  };
  const age = (file: string, seconds: number) => {
    const then = Date.now() / 1000 - seconds;
    fs.utimesSync(file, then, then);
  };

  test("are not computed again while the inode tells of no write", async () => {
    const root = house.root({ f: LARGE });
    const { seen, tree } = counting(root.path);
    // Too young, however long this takes: a write in the same tick of the clock would not show.
    age(root.at("f"), -60);
    const image = await tree.knownImage("f");
    expect(image.hash).toBe(sha256(LARGE));
    await tree.knownImage("f");
    expect(seen.hashed).toBe(2);
    age(root.at("f"), 60);
    await expect
      .poll(
        async () => {
          const before = seen.hashed;
          await tree.knownImage("f");
          return seen.hashed - before;
        },
        { interval: 100 },
      )
      .toBe(0);
    fs.appendFileSync(root.at("f"), "x");
    expect((await tree.knownImage("f")).hash).toBe(sha256(`${LARGE}x`));
    fs.rmSync(root.at("f"));
    expect(await tree.knownImage("f")).toEqual({ exists: false });
    expect(await tree.knownImage("none/f")).toEqual({ exists: false });
  });

  test("are forgotten, the oldest first, so that memory stays bounded", async () => {
    const files = Object.fromEntries(Array.from({ length: 66 }, (_, n) => [`f${n}`, ""]));
    const root = house.root(files);
    for (const path of Object.keys(files)) fs.truncateSync(root.at(path), MiB + 1);
    const old = portWith((real) => ({
      lstat: (dir, name) => {
        const stat = real.lstat(dir, name);
        return stat && { ...stat, mode: stat.mode, size: stat.size, ino: stat.ino, ctimeNs: 1n, mtimeNs: 1n };
      },
      stat: async (file) => {
        const stat = await real.stat(file);
        return { ...stat, mode: stat.mode, size: stat.size, ino: stat.ino, ctimeNs: 1n, mtimeNs: 1n };
      },
    }));
    let opened = 0;
    const tree = openTree(root.path, [], {
      ...old,
      openFile: (dir, name) => {
        opened++;
        return old.openFile(dir, name);
      },
    });
    for (const path of Object.keys(files)) await tree.knownImage(path);
    expect(opened).toBe(66);
    await tree.knownImage("f65");
    expect(opened).toBe(66);
    await tree.knownImage("f0");
    expect(opened).toBe(67);
  });

  test("a range is read by itself, and only of a file", async () => {
    const root = house.root({ f: LARGE, "d/x": "" });
    const tree = openTree(root.path);
    const { image, bytes } = await tree.range("f", { offset: MiB + 3, length: 5 });
    expect([bytes.toString(), image.size, image.hash]).toEqual(["34567", LARGE.length, undefined]);
    const at = async (offset: number) => (await tree.range("f", { offset, length: 4 })).bytes.toString();
    expect([await at(LARGE.length - 2), await at(LARGE.length + 9)]).toEqual(["ef", ""]);
    await expect(tree.range("none", { offset: 0, length: 1 })).rejects.toMatchObject({ kind: "NotAFile" });
    await expect(tree.range("none/x", { offset: 0, length: 1 })).rejects.toMatchObject({ kind: "NotAFile" });
    await expect(tree.range("d", { offset: 0, length: 1 })).rejects.toMatchObject({ kind: "NotAFile" });
    let cuts = 1;
    const cutting = portWith((real) => ({
      read: (file, into, position) => {
        if (cuts-- > 0) fs.truncateSync(root.at("f"), MiB);
        return real.read(file, into, position);
      },
    }));
    const { bytes: left } = await openTree(root.path, [], cutting).range("f", { offset: MiB - 2, length: 9 });
    expect(left.toString()).toBe("ef");
  });
});

describe("staging large files", () => {
  test("a base streams into the store; what changes before that is stale, and nothing is staged", async () => {
    const scene = makeScene({ f: LARGE });
    const [patch] = await scene.stage({ kind: "delete", path: "f" });
    expect(patch?.base.hash).toBe(sha256(LARGE));
    expect(scene.store.blobs.has(sha256(LARGE))).toBe(true);

    const other = makeScene({ f: LARGE, blob: "" });
    const blob = await other.store.blobs.put(Buffer.from("new"));
    const ownsBlob = () => {
      other.write("f", `${LARGE}late`);
      return true;
    };
    const changes = [
      { kind: "chmod" as const, path: "f", mode: 0o600 },
      { kind: "write" as const, path: "blob", blob },
    ];
    const staging = other.staging.stage(other.session, other.tree, { changes, ownsBlob });
    await expect(staging).rejects.toMatchObject({ kind: "Stale", data: { path: "f" } });
    expect(other.pending()).toEqual([]);
  });

  test("reading shows ranges of what is on disk and of what is staged, and stores nothing", async () => {
    const scene = makeScene({ f: LARGE });
    const read = async (offset: number) => {
      const ask = { session: scene.session.id, path: "f", offset, length: 4 };
      return scene.staging.readFile(scene.session, scene.tree, ask);
    };
    const image = { hash: sha256(LARGE), size: LARGE.length };
    expect(await read(MiB)).toMatchObject({ content: "0123", origin: "disk", image });
    expect(scene.store.blobs.has(sha256(LARGE))).toBe(false);
    await scene.stage({
      kind: "edit",
      path: "f",
      edits: [{ oldText: "f0", newText: "F0", replaceAll: true }],
    });
    expect(await read(14)).toMatchObject({ content: "eF01", origin: "staged" });
  });

  test("a file that is written between its hash and the range is stale", async () => {
    const scene = makeScene({ f: LARGE });
    const tree = {
      ...scene.tree,
      range: (...ask: Parameters<typeof scene.tree.range>) => {
        scene.write("f", `${LARGE}x`);
        return scene.tree.range(...ask);
      },
    };
    const ask = { session: scene.session.id, path: "f", offset: 0, length: 4 };
    await expect(scene.staging.readFile(scene.session, tree, ask)).rejects.toMatchObject({ kind: "Stale" });
  });

  test("what is over 64 MiB is not edited, but replaced, renamed and deleted", async () => {
    const scene = makeScene({ f: "" });
    fs.truncateSync(join(scene.root, "f"), 64 * MiB + 1);
    const edit = scene.stage({ kind: "edit", path: "f", edits: [{ oldText: "a", newText: "b" }] });
    await expect(edit).rejects.toMatchObject({ kind: "TooLarge", data: { path: "f" } });
    const [patch] = await scene.stage({ kind: "rename", path: "f", to: "g" });
    expect(patch).toMatchObject({ kind: "rename", from: "f", after: { size: 64 * MiB + 1 } });
  });

  test("a cancel is heeded while a large file is read, also by an examination", async () => {
    const scene = makeScene({ f: LARGE });
    const cancelled = AbortSignal.abort(new Error("cancelled"));
    const changes = [{ kind: "delete" as const, path: "f" }];
    const ownsBlob = () => true;
    await expect(
      scene.staging.stage(scene.session, scene.tree, { changes, ownsBlob, signal: cancelled }),
    ).rejects.toThrow("cancelled");
    expect(scene.store.blobs.has(sha256(LARGE))).toBe(false);
    await scene.stage(...changes);
    await expect(scene.staging.examine(scene.session, scene.tree, undefined, cancelled)).rejects.toThrow(
      "cancelled",
    );
  });
});
