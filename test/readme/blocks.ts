/** The code blocks of a page in Markdown, in their order. */

export interface Block {
  readonly language: string;
  readonly text: string;
  /** The first line of the block, 1-based. */
  readonly line: number;
}

const BLOCK = /^```(\w*)\n(.*?)^```$/gms;

export function blocksOf(page: string): Block[] {
  return [...page.matchAll(BLOCK)].map(({ 1: language = "", 2: text = "", index }) => ({
    language,
    text,
    line: page.slice(0, index).split("\n").length + 1,
  }));
}
