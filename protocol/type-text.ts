/**
 * JSON Schema in TypeScript's notation, for people: `{path: string, edits: {oldText: string}[], note?: string}`.
 * Owns only what zod's schemas of this contract come to; a form it does not know is `unknown`.
 */

type Schema = Readonly<Record<string, unknown>>;

/** Longer than this, an object is written one member a line. */
const MAX_LINE_CHARS = 100;

/**
 * The text of `schema`. A part that equals one of `named` is written as its name, `defining` excepted.
 */
export function typeText(schema: Schema, named: Readonly<Record<string, Schema>>, defining?: string): string {
  const names = new Map(
    Object.entries(named)
      .filter(([name]) => name !== defining)
      .map(([name, one]) => [fingerprint(one), name]),
  );
  return write(schema, names, "").trim();
}

function write(schema: Schema, names: ReadonlyMap<string, string>, indent: string): string {
  const name = names.get(fingerprint(schema));
  if (name) return name;
  const { type, properties, items, additionalProperties } = schema;
  const options = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(options)) return union(options, names, indent);
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (type === "array") return arrayOf(write((items ?? {}) as Schema, names, indent));
  if (type === "object" && properties === undefined && additionalProperties)
    return `{[name: string]: ${write(additionalProperties as Schema, names, indent)}}`;
  if (type === "object") return object(schema, names, indent);
  if (Array.isArray(type)) return type.join(" | ");
  return typeof type === "string" ? type : "unknown";
}

function union(options: readonly Schema[], names: ReadonlyMap<string, string>, indent: string): string {
  const texts = options.map((option) => write(option, names, `${indent}  `));
  const short = texts.join(" | ");
  return short.length <= MAX_LINE_CHARS ? short : texts.map((text) => `\n${indent}  | ${text}`).join("");
}

function arrayOf(element: string): string {
  return / \| /.test(element) && !element.startsWith("{") ? `(${element})[]` : `${element}[]`;
}

function object(schema: Schema, names: ReadonlyMap<string, string>, indent: string): string {
  const required = new Set(schema.required as string[] | undefined);
  const members = Object.entries((schema.properties ?? {}) as Record<string, Schema>).map(([name, one]) => ({
    text: `${name}${required.has(name) ? "" : "?"}: ${write(one, names, `${indent}  `)}`,
    comment: typeof one.description === "string" ? one.description : undefined,
  }));
  const short = `{${members.map(({ text }) => text).join(", ")}}`;
  const fits = short.length + indent.length <= MAX_LINE_CHARS && !short.includes("\n");
  if (fits && (indent !== "" || members.every(({ comment }) => !comment))) return short;
  const lines = members.map(({ text, comment }) => `${indent}  ${text},${comment ? ` // ${comment}` : ""}`);
  return `{\n${lines.join("\n")}\n${indent}}`;
}

/** Equal for equal shapes, whatever is said about them. */
function fingerprint({ description: _, title: __, ...schema }: Schema): string {
  return JSON.stringify(schema);
}
