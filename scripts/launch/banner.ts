/**
 * The first lines of the two binaries: hashbang, Node version check, and what a CommonJS bundle needs for import.meta.
 * Owns the banners' text. The check itself is check-node.ts; which Node is needed says package.json (engines).
 */

import packageJson from "../../package.json" with { type: "json" };
import { checkNode } from "./check-node.ts";

/** The name that stands for `import.meta.url` inside the CommonJS bundle. */
export const IMPORT_META_URL = "__importMetaUrl";

/** The lowest Node that is supported, "major.minor". */
const REQUIRED_NODE = packageJson.engines.node.replace(">=", "");

/** The banner of an ESM binary; static imports still run before it, so its entry must import dynamically. */
export function esmBanner(binary: string): string {
  return `#!/usr/bin/env node\n${check(binary)}`;
}

/** The banner of a CommonJS binary. */
export function cjsBanner(binary: string): string {
  // The bundle's own directive comes too late behind a banner.
  return `#!/usr/bin/env node
"use strict";
${check(binary)}
const ${IMPORT_META_URL} = require("url").pathToFileURL(__filename).href;`;
}

function check(binary: string): string {
  // Node has blanked the types out of the function's text already; esbuild never sees it.
  return `(${checkNode.toString()})(${JSON.stringify(binary)}, ${JSON.stringify(REQUIRED_NODE)}, process);`;
}
