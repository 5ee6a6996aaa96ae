/**
 * The reference in words: protocol/README.md, made from the methods, the values and the error table.
 * Owns the page's form. It is written by scripts/reference.ts; a test fails when the file is stale.
 */
import { notifications } from "./methods/index.ts";
import type { Notification } from "./methods/method.ts";
import { COMMON_ERRORS, jsonSchema, type OpenRpcMethod, openrpc } from "./openrpc.ts";
import { typeText } from "./type-text.ts";
import { ERRORS } from "./wire/errors.ts";

const INTRODUCTION = `# The protocol's reference

Generated from \`protocol/methods\` and \`protocol/wire/errors.ts\`; do not edit. To make it again: \`node scripts/reference.ts\`.
A running daemon answers the same as an OpenRPC document: \`iopipectl rpc rpc.discover\`.

JSON-RPC 2.0 over a Unix socket, newline-delimited or with \`Content-Length\` headers. Params are by name; every method also takes
\`progressToken\` and \`_meta\`. A method marked _reviewer_ is refused on the proposer's socket. Fields of results that a client does not know
are to be ignored.`;

/** The page's text. */
export function reference(): string {
  const { methods, components } = openrpc();
  const sections = [
    INTRODUCTION,
    "## Methods",
    ...methods.map(methodSection),
    "## Notifications",
    ...[...notifications.values()].map(notificationSection),
    "## Values",
    ...Object.entries(components.schemas).map(([name, schema]) => `### ${name}${block(schema, name)}`),
    "## Errors",
    `Any method may also answer ${COMMON_ERRORS.map(code).join(", ")}. Every error has \`data: {kind, retryable, hint, …}\`.`,
    errorTable(),
  ];
  return `${sections.join("\n\n")}\n`;
}

function methodSection({ name, summary, tags, params, result, errors }: OpenRpcMethod): string {
  const own = errors.slice(COMMON_ERRORS.length).map(({ message }) => code(message));
  const role = tags[0]?.name === "reviewer" ? " · _reviewer_" : "";
  const shape = {
    type: "object",
    properties: Object.fromEntries(
      params.filter((param) => !COMMON_PARAMS.has(param.name)).map((param) => [param.name, param.schema]),
    ),
    required: params.filter((param) => param.required).map((param) => param.name),
  };
  return [
    `### ${code(name)}${role}`,
    summary,
    `Params:${block(shape)}`,
    `Result:${block(result.schema)}`,
    ...(own.length > 0 ? [`Errors: ${own.join(", ")}.`] : []),
  ].join("\n\n");
}

const COMMON_PARAMS = new Set(["progressToken", "_meta"]);

function notificationSection({ name, summary, params }: Notification): string {
  return [`### ${code(name)}`, summary, `Params:${block(jsonSchema(params, "output"))}`].join("\n\n");
}

/** A shape in TypeScript's notation. `name`: of the value that is being defined, to be spelt out. */
function block(schema: Record<string, unknown>, name?: string): string {
  const text = typeText(schema, openrpc().components.schemas, name);
  return text === "{}" ? ` ${code(text)}` : `\n\n\`\`\`text\n${text}\n\`\`\``;
}

function errorTable(): string {
  const rows = Object.entries(ERRORS).map(([kind, { code: number, retryable, hint }]) => [
    String(number),
    kind,
    retryable ? "yes" : "",
    hint,
  ]);
  return table([["code", "kind", "retry", "hint"], ...rows]);
}

/** A table as the formatter leaves it: columns of one width. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const [head = "", ...body] = rows.map((row) =>
    line(row.map((cell, column) => cell.padEnd(widths[column] ?? 0))),
  );
  return [head, line(widths.map((width) => "-".repeat(width))), ...body].join("\n");
}

function code(text: string): string {
  return `\`${text}\``;
}
