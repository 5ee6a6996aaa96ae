/**
 * Writes protocol/README.md anew from the protocol's methods; run it after changing one of them.
 */

import { writeFileSync } from "node:fs";
import path from "node:path";
import { reference } from "../protocol/reference.ts";

const file = path.join(path.dirname(import.meta.dirname), "protocol/README.md");
writeFileSync(file, reference());
