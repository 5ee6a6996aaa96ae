/** The plan as a pure function, for what no file system of a test machine shows. */
import { expect, test } from "vitest";
import type { Facts } from "../daemon/promotion/inspect.ts";
import { plan } from "../daemon/promotion/plan.ts";

const stat = {
  dev: 1n,
  ino: 1n,
  mode: 0o100644n,
  nlink: 1n,
  uid: 0n,
  gid: 0n,
  size: 1n,
  mtimeNs: 1n,
  ctimeNs: 1n,
  birthtimeNs: 1n,
};
const file = { exists: true, type: "file", hash: "h", mode: 0o644 } as const;
const absent = { exists: false };
const entry = (name: string) => ({ name, type: "file" as const });

function facts(more: Partial<Facts>): Facts {
  const root = ["", { mode: 0o755, mount: "1", entries: [] }] as const;
  return {
    files: new Map(),
    obstacles: new Map(),
    umask: 0o027,
    ...more,
    directories: new Map([root, ...(more.directories ?? [])]),
  };
}

test("a mount point is not removed when its last file goes, and lends no file to its parent", () => {
  const directories = new Map([["mnt", { mode: 0o755, mount: "2", entries: [entry("x")] }]]);
  const files = new Map([["mnt/x", { stat, image: file }]]);
  const planned = plan([{ path: "mnt/x", before: file, after: absent }], facts({ directories, files }), {
    mark: "m",
  });
  expect(planned.removes).toEqual([]);
  expect(planned.steps).toMatchObject([{ kind: "remove", backup: "mnt/.iopipe-m-0.bak" }]);
});

test("steps are ordered, their temporary files lie where directories stay, and new files take the umask", () => {
  const directories = new Map([["d", { mode: 0o700, mount: "1", entries: [entry("x")] }]]);
  const files = new Map([["d/x", { stat, image: file }]]);
  const planned = plan(
    [
      { path: "n/m/new", before: absent, after: { exists: true, type: "file", hash: "n" } },
      { path: "d/x", before: file, after: absent },
    ],
    facts({ directories, files }),
    { mark: "m", makeDirectories: [{ path: "n", mode: 0o711 }] },
  );
  expect(planned.removes).toEqual([{ path: "d", mode: 0o700 }]);
  expect(planned.makes).toEqual([{ path: "n", mode: 0o711 }, { path: "n/m" }]);
  expect(planned.steps).toMatchObject([
    { n: 0, kind: "remove", path: "d/x", backup: ".iopipe-m-0.bak" },
    { n: 1, kind: "create", path: "n/m/new", temporary: ".iopipe-m-1.tmp", after: { mode: 0o640 } },
  ]);
});

test("directories that may not go stay", () => {
  const directories = new Map([["d", { mode: 0o700, mount: "1", entries: [entry("x")] }]]);
  const files = new Map([["d/x", { stat, image: file }]]);
  const remove = [{ path: "d/x", before: file, after: absent }];
  expect(
    plan(remove, facts({ directories, files }), { mark: "m", removeDirectories: ["e"] }).removes,
  ).toEqual([]);
  expect(
    plan(remove, facts({ directories, files }), { mark: "m", removeDirectories: ["d"] }).removes,
  ).toHaveLength(1);
});
