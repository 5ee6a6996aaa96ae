/** `GIT binary patch`: a file's whole content, deflated; both directions, so that `git apply -R` works. */
import { deflateSync } from "node:zlib";
import { encodeLine, LINE_BYTES } from "../base85.ts";

export function formatBinary(old: Buffer, now: Buffer): string {
  return `GIT binary patch\n${literal(now)}\n${literal(old)}\n`;
}

function literal(bytes: Buffer): string {
  const deflated = deflateSync(bytes);
  const lines = [`literal ${bytes.length}\n`];
  for (let at = 0; at < deflated.length; at += LINE_BYTES)
    lines.push(`${encodeLine(deflated.subarray(at, at + LINE_BYTES))}\n`);
  return lines.join("");
}
