/**
 * Splits a command line from the environment (PAGER, EDITOR) into words, so that no shell ever reads it.
 * Blanks separate; single and double quotes keep them, a backslash keeps the next character outside single quotes.
 */

const PIECE = /\s*("(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\]+)/gy;

export function words(line: string): string[] {
  const found: string[] = [];
  PIECE.lastIndex = 0;
  for (
    let end = 0, match = PIECE.exec(line);
    match !== null;
    end = PIECE.lastIndex, match = PIECE.exec(line)
  ) {
    const piece = unquoted(match[1] as string);
    const joins = found.length > 0 && !/^\s/.test(match[0]) && end > 0;
    if (joins) found.push(`${found.pop()}${piece}`);
    else found.push(piece);
  }
  return found;
}

function unquoted(piece: string): string {
  if (piece.startsWith("'")) return piece.slice(1, -1);
  if (piece.startsWith('"')) return piece.slice(1, -1).replace(/\\(.)/g, "$1");
  return piece.replace(/^\\/, "");
}
