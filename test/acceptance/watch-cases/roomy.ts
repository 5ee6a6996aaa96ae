/**
 * Scenes for floods: their roots lie on a disk with room for a hundred thousand files, which is made once for a file of
 * tests and removed with all there is on it.
 */
import { afterAll } from "vitest";
import { roomyDisk } from "../../fixture/small-disk.ts";
import { openScene, type Scene, type Stage } from "../scene.ts";

export type Open = (files: Readonly<Record<string, string>>) => Promise<Scene>;

export function roomyScenes(stage: () => Stage): Open {
  const disk = roomyDisk();
  let roots = 0;
  afterAll(() => disk[Symbol.dispose]());
  return (files) => openScene({ on: stage(), files, root: `${disk.path}/root${++roots}` });
}
