/**
 * Python's indentation, which the grammar takes as it comes: statements of a block that do not begin in one column, and
 * blocks without a statement, are errors to Python and not to tree-sitter.
 */
import type { Node } from "web-tree-sitter";
import { type Finding, MAX_FINDINGS } from "../report.ts";

/** What is misplaced in a tree without errors; nothing where tabs indent, whose width is Python's own affair. */
export function misplaced(root: Node): Finding[] {
  if (/^ *\t/m.test(root.text)) return [];
  const found: Finding[] = [];
  for (const block of [root, ...root.descendantsOfType("block")]) {
    found.push(...misplacedIn(block));
    if (found.length >= MAX_FINDINGS) break;
  }
  return found;
}

function misplacedIn(block: Node): Finding[] {
  const statements = block.namedChildren.filter(({ type }) => type !== "comment");
  const [first] = statements;
  if (!first) return block.type === "block" ? [finding(block, "An indented block is missing here.")] : [];
  const wanted = block.type === "block" ? first.startPosition.column : 0;
  return statements.flatMap((statement, at) => {
    const before = statements[at - 1];
    const { row, column } = statement.startPosition;
    // What follows a semicolon stands where it stands.
    if (column === wanted || before?.endPosition.row === row) return [];
    return [finding(statement, `It is indented by ${column}, and its block by ${wanted}.`)];
  });
}

function finding({ startPosition: { row, column } }: Node, message: string): Finding {
  return { line: row + 1, column: column + 1, message, check: "syntax" };
}
