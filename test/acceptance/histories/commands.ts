/**
 * What a history is made of: commands as plain data, drawn by fast-check, few paths and contents so that they collide.
 * Owns what is drawn and how often; what it comes to on the tree as it stands then is changes.ts', calls.ts' and
 * outside.ts'. A number where an object is meant (a session, a patch, an operation) is its place in a list, modulo.
 */
import fc from "fast-check";

/** Files, directories and links take each other's names; `É` is there composed and decomposed. */
const PATHS = ["a", "a/b", "a/b/c", "A", "A/b", "\u00c9", "E\u0301", "d/x", "d/y", "d", "l", "l/x", "run.sh"];

/** By name, so that a counterexample stays readable. */
export const CONTENTS = {
  empty: "",
  line: "one\n",
  crlf: "one\r\ntwo\r\n",
  open: "no final newline",
  lines: Array.from({ length: 24 }, (_, n) => `line ${n}\n`).join(""),
  edited: Array.from({ length: 24 }, (_, n) => `line ${n === 2 || n === 20 ? "new" : n}\n`).join(""),
  binary: "\0binary\u00ff\n",
  large: "a large line of a large file\n".repeat(40_000),
} as const;
type Content = keyof typeof CONTENTS;

const diffed = fc.constantFrom(
  ...(["modify", "modify", "create", "delete", "rename", "copy", "mode"] as const),
);
const patched = fc.constantFrom(...(["update", "update", "add", "delete", "move"] as const));
const typed = fc.constantFrom(...(["edit", "create", "delete", "rename"] as const));
const path = fc.constantFrom(...PATHS);
/** `#n` is the n-th file that is there, modulo: what is to be changed mostly is. */
const there = fc.oneof(
  { weight: 5, arbitrary: fc.nat(20).map((n) => `#${n}`) },
  { weight: 1, arbitrary: path },
);
const content = fc.oneof(
  {
    weight: 24,
    arbitrary: fc.constantFrom<Content[]>("empty", "line", "crlf", "open", "lines", "edited", "binary"),
  },
  { weight: 1, arbitrary: fc.constant<Content>("large") },
);
const mode = fc.constantFrom(0o644, 0o755, 0o600, 0o444);
const target = fc.constantFrom("a", "d", "../outside", "../outside/file", "nowhere", "a/b", "l", ".");
const flag = fc.boolean();
const pick = fc.nat(20);
const session = fc.constantFrom(0, 0, 0, 1, 2);
/** Which patches or paths a call names; undefined: none, hence all. */
const some = fc.option(fc.array(pick, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 2 });

const weighted = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const a = <K extends string>(kind: K) => ({ kind: fc.constant(kind) });

/** One change, as changes.ts sends it; `breaks`: breakHardLinks. */
const drawn = fc.oneof(
  weighted(4, fc.record({ ...a("write"), path: fc.oneof(path, there), content, breaks: flag })),
  weighted(1, fc.record({ ...a("create"), path, content, mode })),
  weighted(2, fc.record({ ...a("edit"), path: there })),
  weighted(3, fc.record({ ...a("delete"), path: there })),
  weighted(4, fc.record({ ...a("rename"), path: there, to: path })),
  weighted(2, fc.record({ ...a("chmod"), path: there, mode })),
  weighted(2, fc.record({ ...a("symlink"), path, target })),
  weighted(1, fc.record({ ...a("moveDirectory"), path: there, to: path })),
  weighted(5, fc.record({ ...a("diff"), as: diffed, path: there, to: path, content })),
  weighted(2, fc.record({ ...a("applyPatch"), as: patched, path: there, to: path, content })),
  weighted(3, fc.record({ ...a("workspaceEdit"), as: typed, path: there, to: path })),
);
export type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

const act = <K extends string>(...acts: K[]) => ({ act: fc.constantFrom(...acts) });

/** What somebody else does to the tree. */
const outside = fc.oneof(
  weighted(3, fc.record({ ...act("write"), path })),
  weighted(4, fc.record({ ...act("append", "save"), path: there })),
  weighted(2, fc.record({ ...act("touch", "remove", "makeDirectory"), path: there })),
  weighted(1, fc.record({ ...act("chmod"), path: there, mode: fc.constantFrom(0o644, 0o755, 0o600, 0o555) })),
  weighted(3, fc.record({ ...act("move", "hardLink", "copy"), path: there, to: path })),
  weighted(1, fc.record({ ...act("link"), path, target })),
);
export type Outside = typeof outside extends fc.Arbitrary<infer T> ? T : never;

const call = <K extends string>(...calls: K[]) => ({ call: fc.constantFrom(...calls) });

const stage = fc.record({
  ...call("stage"),
  session,
  changes: fc.array(drawn, { minLength: 1, maxLength: 4 }),
});
const apply = fc.record({
  ...{ ...call("apply"), session, some, skip: flag, confirm: flag, lenient: flag },
  after: fc.constantFrom("nothing" as const, "nothing" as const, "undo" as const, "redo" as const),
});
const undo = fc.record({ ...call("undo"), pick, some, skip: flag, stage: flag });
const moved = fc.record({ ...call("discard", "restore", "rebase", "submit"), session, some });
const decide = fc.record({
  ...{ ...call("decide"), session, pick, content },
  how: fc.constantFrom("approved" as const, "rejected" as const, "hunks" as const, "change" as const),
});

const called = fc.oneof(weighted(4, stage), weighted(3, apply), undo, moved, decide);
export type Called = typeof called extends fc.Arbitrary<infer T> ? T : never;

const edits = fc.array(outside, { minLength: 1, maxLength: 3 });

const command = fc.oneof(
  weighted(12, stage),
  weighted(6, apply),
  weighted(2, undo),
  weighted(3, moved),
  weighted(2, decide),
  weighted(5, fc.record({ ...call("outside"), edits })),
  weighted(2, fc.record({ ...call("beside"), edits, meant: called, afterMs: fc.nat(12) })),
  weighted(2, fc.record({ ...call("together"), one: called, other: called })),
  weighted(2, fc.record({ ...call("look"), session })),
  weighted(1, fc.record(call("restart"))),
  weighted(1, fc.record({ ...call("crash"), meant: called, afterMs: fc.nat(40) })),
);
export type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** Of up to so many commands. */
export const histories = (maxLength: number): fc.Arbitrary<Command[]> =>
  fc.array(command, { minLength: 4, maxLength, size: "max" });
