/**
 * What can happen in a random history of a real daemon, and how it is drawn.
 * The paths are few, so that everything meets everything; bytes are made unlike all others when they are written (life.ts).
 * The same histories on the model, with deaths at chosen calls, are test/model/history.ts.
 */
import fc from "fast-check";

const PATHS = ["a", "b", "c/one", "c/two", "d/e/three", "d/four"];

/** Line endings, a BOM, NUL, bytes that are no UTF-8, no final newline, nothing: as latin1. */
const BYTES = ["\n", "\r\n", "\xef\xbb\xbfx\r\n", "\0\0", "\xff\xfe\x80", "no newline", ""];

const path = fc.constantFrom(...PATHS);
const bytes = fc.constantFrom(...BYTES);

const staged = fc.record({
  what: fc.constantFrom("write", "write", "write", "delete", "chmod", "symlink", "rename"),
  path,
  to: path,
  bytes,
  mode: fc.constantFrom(0o644, 0o755, 0o600),
});

const edit = fc.record({ how: fc.constantFrom("in place", "by rename", "removed", "touched"), path, bytes });

/** The daemon is killed so many milliseconds after it was asked; somebody may edit before it starts again. */
const death = fc.record({
  afterMs: fc.integer({ min: 0, max: 50 }),
  meanwhile: fc.option(edit, { freq: 2, nil: undefined }),
});
const dying = fc.option(death, { freq: 2, nil: undefined });

const event = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("stage" as const),
      changes: fc.array(staged, { minLength: 1, maxLength: 5, size: "max" }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("apply" as const), which: fc.nat(3), death: dying }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("undo" as const),
      which: fc.nat(3),
      skip: fc.boolean(),
      death: dying,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("edit" as const), edit }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
);

type Drawn<A> = A extends fc.Arbitrary<infer T> ? T : never;
export type Staged = Drawn<typeof staged>;
export type Edit = Drawn<typeof edit>;
export type Death = Drawn<typeof death>;
export type Event = Drawn<typeof event>;

/** The same for the same seed; what a death meets is the machine's, so that a history may show in one run what it does not in the next. */
export function drawHistories(count: number, seed: number): Event[][] {
  const histories = fc.array(event, { minLength: 8, maxLength: 16, size: "max" });
  return fc.sample(histories, { numRuns: count, seed });
}
