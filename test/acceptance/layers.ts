/** Layers in tests: whether this machine lets the tests' process make one, and who is in it. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const user = process.getuid?.() === 0 ? [] : ["--map-root-user"];
const script =
  "d=$(mktemp -d) && mount -t tmpfs t $d && mkdir $d/l $d/u $d/w $d/m && mount -t overlay o -o lowerdir=$d/l,upperdir=$d/u,workdir=$d/w $d/m; s=$?; umount -l $d; rmdir $d; exit $s";

export const canLayer =
  process.platform === "linux" &&
  spawnSync("unshare", [...user, "--mount", "--", "sh", "-c", script], { stdio: "ignore" }).status === 0;

/** The processes that have anything of this layer mounted. */
export function processesIn(layer: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/mountinfo`, "utf8").includes(layer);
    } catch {
      return false;
    }
  });
}
