/** Which port a platform has: one table, so that a new platform is one file and one row. */
import { linuxPort } from "./linux.ts";
import { portablePort } from "./port.darwin.ts";
import type { Port } from "./port.ts";

const PORTS: Partial<Record<NodeJS.Platform, Port>> = { linux: linuxPort };

export function portOf(platform: NodeJS.Platform): Port {
  return PORTS[platform] ?? portablePort;
}
