/** The code blocks of README.md, in their order. */
import { readFileSync } from "node:fs";
import path from "node:path";

export interface Block {
  readonly language: string;
  readonly text: string;
  /** The first line of the block, 1-based. */
  readonly line: number;
}

const README = path.resolve(import.meta.dirname, "../../README.md");
const BLOCK = /^```(\w*)\n(.*?)^```$/gms;

export function readmeBlocks(): Block[] {
  const readme = readFileSync(README, "utf8");
  return [...readme.matchAll(BLOCK)].map(({ 1: language = "", 2: text = "", index }) => ({
    language,
    text,
    line: readme.slice(0, index).split("\n").length + 1,
  }));
}
