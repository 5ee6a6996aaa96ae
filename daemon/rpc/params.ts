/**
 * Params at the door: checked by the method's schema, refused in words.
 * Owns the sentence of InvalidParams: it names the param and what was expected, and never repeats a value.
 */
import type { Method } from "../../protocol/methods/method.ts";
import { IopipeError } from "../../protocol/wire/index.ts";

type Checked = ReturnType<Method["params"]["safeParse"]>;
type Issue = NonNullable<Checked["error"]>["issues"][number];

/** Names longer than this are cut in messages. */
const MAX_NAME_CHARS = 100;

/**
 * The params as the handler gets them.
 *
 * @throws {IopipeError} InvalidParams, with `param` (and `index` where it is one of several) in its data
 */
export function checkParams(method: Method, params: object | undefined): unknown {
  if (Array.isArray(params)) throw refusal(method, "params are given by name, in an object, not by position");
  const checked = method.params.safeParse(params ?? {});
  if (checked.success) return checked.data;
  const issue = mostTelling(checked.error.issues);
  const param = nameOf(issue);
  const index = issue.path.find((step) => typeof step === "number");
  throw refusal(method, `\`${param}\` ${expectation(issue)}`, {
    param,
    ...(index === undefined ? {} : { index }),
  });
}

/** A misspelt name also makes the right one missing; the misspelling tells more. */
function mostTelling(issues: readonly Issue[]): Issue {
  return issues.find((issue) => issue.code === "unrecognized_keys") ?? (issues[0] as Issue);
}

function refusal(method: Method, reason: string, extra: object = {}): IopipeError {
  return new IopipeError("InvalidParams", `${method.name}: ${reason}.`, { ...extra });
}

/** The param's place as one writes it: `changes[2].path`. */
function nameOf(issue: Issue): string {
  const steps = issue.code === "unrecognized_keys" ? [...issue.path, issue.keys[0] ?? ""] : issue.path;
  let name = "";
  for (const step of steps) name += typeof step === "number" ? `[${step}]` : `${name && "."}${String(step)}`;
  return (name || "params").slice(0, MAX_NAME_CHARS);
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case "unrecognized_keys":
      return "is unknown";
    case "invalid_type":
      return issue.input === undefined && /received undefined$/.test(issue.message)
        ? `is missing: expected ${issue.expected}`
        : `has the wrong type: expected ${issue.expected}`;
    case "invalid_value":
      return `has an unknown value: expected one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return `is too small: at least ${issue.minimum}${unit(issue.origin)} expected`;
    case "too_big":
      return `is too big: at most ${issue.maximum}${unit(issue.origin)} expected`;
    case "invalid_format":
      return `has the wrong form${"pattern" in issue && issue.pattern ? `: expected ${issue.pattern}` : ""}`;
    case "invalid_union":
      return unionExpectation(issue);
    default:
      return "is not valid";
  }
}

function unionExpectation(issue: Extract<Issue, { code: "invalid_union" }>): string {
  const options = (issue as { options?: readonly unknown[] }).options;
  if (options) return `has an unknown value: expected one of ${options.map(String).join(", ")}`;
  const types = issue.errors.flatMap(([first]) => (first?.code === "invalid_type" ? [first.expected] : []));
  return `has the wrong type: expected ${types.join(" or ") || "another form"}`;
}

function unit(origin: string): string {
  return { string: " characters", array: " items" }[origin] ?? "";
}
