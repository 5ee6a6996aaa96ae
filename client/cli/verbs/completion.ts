/** `completion bash|zsh|fish`: a static script; verbs and their flags come from the table that the program is made of. */
import type { Context } from "../context.ts";
import { UsageError } from "../failure.ts";
import { print } from "../output.ts";
import { flagsOf, VERBS } from "../verbs.ts";

const SCRIPTS: Readonly<Record<string, () => string>> = { bash, zsh, fish };

export async function completion(context: Context, [shell = ""]: string[]): Promise<void> {
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script === undefined)
    throw new UsageError(`There is no completion for ${shell}.`, "Give bash, zsh or fish.");
  context.show({ shell, script: script() }, (result) => print(result.script));
}

function bash(): string {
  const cases = VERBS.map((verb) => `    ${verb.name}) words="${flagsOf(verb).join(" ")}" ;;`).join("\n");
  return `# iopipectl completion for bash: source <(iopipectl completion bash)
_iopipectl() {
  local words current="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${VERBS.map(({ name }) => name).join(" ")}" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -F _iopipectl iopipectl`;
}

function zsh(): string {
  const verbs = VERBS.map(({ name, summary }) => `    '${name}:${summary.replaceAll("'", "")}'`).join("\n");
  const cases = VERBS.map(
    (verb) => `    ${verb.name}) compadd -- ${flagsOf(verb).join(" ")}; _files ;;`,
  ).join("\n");
  return `#compdef iopipectl
# iopipectl completion for zsh: source <(iopipectl completion zsh)
_iopipectl() {
  local -a verbs
  verbs=(
${verbs}
  )
  if (( CURRENT == 2 )); then
    _describe 'verb' verbs
    return
  fi
  case "\${words[2]}" in
${cases}
  esac
}
compdef _iopipectl iopipectl`;
}

function fish(): string {
  const verbs = VERBS.map(
    ({ name, summary }) =>
      `complete -c iopipectl -n __fish_use_subcommand -f -a ${name} -d '${summary.replaceAll("'", "")}'`,
  );
  const flags = VERBS.flatMap((verb) =>
    flagsOf(verb).map(
      (flag) =>
        `complete -c iopipectl -n '__fish_seen_subcommand_from ${verb.name}' -l ${flag.replace(/^--/, "")}`,
    ),
  );
  return ["# iopipectl completion for fish: iopipectl completion fish | source", ...verbs, ...flags].join(
    "\n",
  );
}
