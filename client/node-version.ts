/** The Node that iopipe needs, as package.json has it, against the one that runs this. */
import packageJson from "../package.json" with { type: "json" };

/** The oldest that will do: "22.14". */
export const REQUIRED_NODE = packageJson.engines.node.replace(">=", "");

export function isNodeNewEnough(version = process.versions.node): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [needMajor = 0, needMinor = 0] = REQUIRED_NODE.split(".").map(Number);
  return major > needMajor || (major === needMajor && minor >= needMinor);
}
