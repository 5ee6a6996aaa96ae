/** Whether this machine lets the tests' process mount an overlay in a namespace of its own. */
import { spawnSync } from "node:child_process";

const user = process.getuid?.() === 0 ? [] : ["--map-root-user"];
const script =
  "d=$(mktemp -d) && mount -t tmpfs t $d && mkdir $d/l $d/u $d/w $d/m && mount -t overlay o -o lowerdir=$d/l,upperdir=$d/u,workdir=$d/w $d/m; s=$?; umount -l $d; rmdir $d; exit $s";

export const canLayer =
  process.platform === "linux" &&
  spawnSync("unshare", [...user, "--mount", "--", "sh", "-c", script], { stdio: "ignore" }).status === 0;
