/**
 * Python's indentation, which the grammar takes as it comes: statements of a block that do not begin in one column,
 * clauses that do not begin where their statement does, and blocks without a statement, are errors to Python and not to
 * tree-sitter.
 */
import type { Node } from "web-tree-sitter";
import { type Finding, MAX_FINDINGS } from "../report.ts";

/** Parts of a statement that begin a line of their own. */
const CLAUSES = ["elif_clause", "else_clause", "except_clause", "finally_clause", "decorator"];

/** What is misplaced in a tree without errors; nothing where tabs indent, whose width is Python's own affair. */
export function misplaced(root: Node): Finding[] {
  if (/^ *\t/m.test(root.text)) return [];
  const found: Finding[] = [];
  for (const block of [root, ...root.descendantsOfType("block")]) {
    found.push(...misplacedIn(block));
    if (found.length >= MAX_FINDINGS) return found;
  }
  const clauses = root.descendantsOfType(CLAUSES).flatMap((clause) => {
    const wanted = clause.parent?.startPosition.column ?? 0;
    return clause.startPosition.column === wanted ? [] : [indented(clause, wanted)];
  });
  return [...found, ...definitions(root), ...clauses].slice(0, MAX_FINDINGS);
}

/** What is decorated begins where its first decorator does. */
function definitions(root: Node): Finding[] {
  return root.descendantsOfType("decorated_definition").flatMap((decorated) => {
    const wanted = decorated.startPosition.column;
    const definition = decorated.childForFieldName("definition");
    return !definition || definition.startPosition.column === wanted ? [] : [indented(definition, wanted)];
  });
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
    return [indented(statement, wanted)];
  });
}

function indented(node: Node, wanted: number): Finding {
  return finding(node, `It is indented by ${node.startPosition.column} instead of ${wanted}.`);
}

function finding({ startPosition: { row, column } }: Node, message: string): Finding {
  return { line: row + 1, column: column + 1, message, check: "syntax" };
}
