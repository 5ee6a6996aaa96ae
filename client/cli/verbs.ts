/**
 * iopipectl's verbs, as a table: name, arguments and flags.
 * Owns what `--help` and the completion scripts say. Where each verb's code is says load.ts.
 */
type Flag = readonly [flags: string, description: string];

export interface Verb {
  readonly name: string;
  /** As commander writes arguments: `<needed>`, `[optional]`, `[several...]`. */
  readonly args?: string;
  /** Imperative, no full stop. */
  readonly summary: string;
  readonly flags?: readonly Flag[];
  /** Whether it takes `--workspace` or `--session` too. */
  readonly about?: "workspace" | "session";
  /** Refused to a proposer before anything is asked: its socket would. */
  readonly reviewersOnly?: true;
}

const YES: Flag = ["-y, --yes", "do not ask"];
const NOTE: Flag = ["--note <text>", "a remark that goes with it"];
const TITLE: Flag = ["--title <text>", "title of a session that is opened"];
const BREAK: Flag = ["--break-hard-links", "give a file with several names bytes of its own"];
const FULL: Flag = ["--confirm-full-replace", "replace files over 1 MiB as a whole"];

const SAFETY: Flag = ["--safety-commit", "keep before and after as hidden git commits"];

export const VERBS: readonly Verb[] = [
  {
    name: "open",
    args: "[dir]",
    summary: "Open a directory as a workspace",
    flags: [
      ["--force", "even / or the home directory"],
      [
        "--ignore <lines...>",
        "as in a .gitignore; like the next ones it is kept, and replaces what was said before",
      ],
      ["--high <globs...>", "report these at once"],
      ["--med <globs...>", "report these as source"],
      ["--low <globs...>", "report these last"],
    ],
    about: "workspace",
    reviewersOnly: true,
  },
  {
    name: "status",
    summary: "Show what is pending here, and the next step",
    about: "workspace",
  },
  {
    name: "ls",
    args: "[path]",
    summary: "List sessions, or a directory as the session sees it",
    flags: [
      ["-a, --all", "sessions of every state, and those without any patch"],
      ["-r, --recursive", "what is below the directory too"],
    ],
    about: "session",
  },
  {
    name: "show",
    args: "[id] [path]",
    summary: "Show a session, a patch or an operation; or write out a version of an operation's file",
    flags: [["--bytes <version>", "of PATH: before, after or rescued"]],
    about: "session",
  },
  {
    name: "diff",
    args: "[paths...]",
    summary: "Show what is pending as a diff that git apply takes",
    flags: [
      ["--stat", "one line a file"],
      ["--side-by-side", "in two columns, on a terminal that is wide enough"],
      ["-U, --context <lines>", "lines around a change"],
    ],
    about: "session",
  },
  {
    name: "cat",
    args: "<path>",
    summary: "Print a file as the session sees it",
    about: "session",
  },
  {
    name: "review",
    summary: "Decide on the pending patches one by one, then apply",
    flags: [
      ["--approve <paths...>", "approve these instead of asking; a patch's id means it as it was shown"],
      ["--reject <paths...>", "reject these instead of asking"],
      ["--hunks <ids...>", "approve only these hunks of the one patch, by id"],
      ["--from <file>", "approve this version of the one patch's file instead"],
      ["--apply", "apply what is approved"],
      NOTE,
      FULL,
    ],
    about: "session",
    reviewersOnly: true,
  },
  {
    name: "stage",
    args: "[paths...]",
    summary: "Propose a change: content from stdin, a deletion, a move or a patch",
    flags: [
      ["--from <file>", "take the content from a file"],
      ["--delete", "delete the paths"],
      ["--move", "move: FROM TO"],
      ["--patch <file>", "stage a git diff, an apply_patch text or a workspace edit; - for stdin"],
      BREAK,
      NOTE,
      TITLE,
    ],
    about: "session",
  },
  {
    name: "edit",
    args: "<path>",
    summary: "Open the staged content in $EDITOR and stage the result",
    flags: [BREAK, NOTE, TITLE],
    about: "session",
  },
  {
    name: "check",
    args: "[paths...]",
    summary: "Tell whether an apply would succeed; touch nothing",
    about: "session",
  },
  {
    name: "verify",
    args: "[command...]",
    summary: "Run the policy's checks over what is staged, or a command: verify -- COMMAND ARGUMENTS",
    flags: [
      ["--check <names...>", "only these of the policy's checks"],
      ["--timeout <time>", "of each, as 90s or 10m (or seconds); default the check's, else 10m"],
    ],
    about: "session",
  },
  {
    name: "apply",
    args: "[paths...]",
    summary: "Write what is pending to the tree, all or nothing",
    flags: [
      YES,
      ["--digest <digest>", "apply if this is still what is pending"],
      ["--patch <file>", "stage a diff, an apply_patch text or a workspace edit, and apply it; - for stdin"],
      ["--skip-stale", "leave out what the disk went ahead of"],
      ["--allow-invalid-syntax", "even if a result does not parse"],
      SAFETY,
      FULL,
      NOTE,
      TITLE,
    ],
    about: "session",
    reviewersOnly: true,
  },
  {
    name: "run",
    args: "[command...]",
    summary: "Run a command whose writes to the workspace are staged instead: run -- COMMAND ARGUMENTS",
    flags: [
      ["--keep", "stage what it wrote even if it is interrupted, without asking"],
      ["--discard", "drop what it writes"],
      ["--max-size <size>", "stage at most so much, as 500MiB or 20GiB (8GiB)"],
      ["--resume <id>", "end the session of a run that could not be staged"],
      ["--agent <name>", "who that is, for the session"],
      ["--trusted", "let it use the reviewer's socket, and run in a copy where nothing can be mounted"],
      ["--pass-through <dirs...>", "directories in which it writes to the real tree: caches, build output"],
      ["--backend <kind>", "overlay or copy, instead of what the machine offers"],
      TITLE,
    ],
    about: "workspace",
  },
  {
    name: "discard",
    args: "[paths...]",
    summary: "Drop what is pending; it can be brought back",
    flags: [
      ["--undo", "bring back what was discarded"],
      ["--purge", "drop it for good"],
    ],
    about: "session",
  },
  {
    name: "rebase",
    args: "[paths...]",
    summary: "Merge stale patches onto what is on disk now",
    about: "session",
  },
  {
    name: "undo",
    args: "[operation] [paths...]",
    summary: "Take back an operation, the last one by default",
    flags: [
      YES,
      ["--dry-run", "only show what it would do"],
      ["--skip-modified", "leave files that were edited since"],
      ["--stage", "stage the inverse instead of writing it"],
      SAFETY,
    ],
    about: "workspace",
    reviewersOnly: true,
  },
  {
    name: "trust",
    summary: "Let the workspace's own policy count in full, until it changes",
    flags: [YES, ["--show", "only show it"], ["--revoke", "trust none any more"]],
    about: "workspace",
    reviewersOnly: true,
  },
  {
    name: "disable",
    summary: "Let agents' writes to this workspace go to the tree; what is pending stays",
    about: "workspace",
    reviewersOnly: true,
  },
  {
    name: "enable",
    summary: "Divert agents' writes into staging again",
    about: "workspace",
    reviewersOnly: true,
  },
  {
    name: "log",
    args: "[path]",
    summary: "List what was applied and undone, newest first",
    flags: [["-n, --limit <n>", "at most so many (50)"]],
    about: "session",
  },
  {
    name: "watch",
    summary: "Follow what changes in the workspace",
    flags: [
      ["--since <clock>", "begin after this clock"],
      ["--include <globs...>", "only these"],
      ["--exclude <globs...>", "not these"],
      ["--priority <lanes...>", "only HIGH, MED or LOW"],
      ["--settle <ms>", "wait for quiet this long"],
      ["--wait-for-git", "hold back while git works on the tree"],
      ["--audit", "compare what is known with the disk, once; exit 1 where they differ"],
    ],
    about: "workspace",
  },
  {
    name: "wait",
    summary: "Wait until something happens to the session",
    flags: [
      ["--since <seq>", "after this event"],
      ["--timeout <time>", "give up after so long, as 90s or 10m (or ms; exit 75)"],
    ],
    about: "session",
  },
  {
    name: "daemon",
    args: "<start|stop|status|logs>",
    summary: "Start, stop or look at the daemon",
    flags: [
      ["-n, --lines <n>", "logs: the last so many lines (50)"],
      ["-f, --follow", "logs: go on with what comes"],
    ],
  },
  {
    name: "doctor",
    summary: "Look for what is wrong, and say what to do",
  },
  {
    name: "gc",
    summary: "Clear what is kept no longer, and tell what that was",
    flags: [["--dry-run", "only tell what would be cleared, and why"]],
    reviewersOnly: true,
  },
  {
    name: "setup",
    args: "[agent]",
    summary: "Stage the lines that an agent's own configuration needs to propose through iopipe",
    flags: [YES, ["--print", "only print them"]],
    about: "workspace",
  },
  {
    name: "hook",
    args: "[agent]",
    summary: "Answer an agent's pre-tool hook on stdin: its writes are staged instead",
  },
  {
    name: "mcp",
    summary: "Serve agents as an MCP server on stdin and stdout: they propose, and no more",
    about: "workspace",
  },
  {
    name: "rpc",
    args: "[method] [params]",
    summary: "Call any method; alone, join stdin and stdout to the daemon",
  },
  {
    name: "completion",
    args: "<bash|zsh|fish>",
    summary: "Print a completion script",
  },
];

/** Flags that a verb takes beyond its own. */
export function commonFlags({ about, args }: Pick<Verb, "about" | "args">): Flag[] {
  const elsewhere = args === "[command...]" ? "; what the command writes to stdout goes to stderr" : "";
  return [
    ["--json", `print the result as JSON${elsewhere}`],
    ...(about === undefined ? [] : [["-C, --workspace <dir>", "look for the workspace from here"] as const]),
    ...(about === "session"
      ? [["-s, --session <id>", "the session, or the beginning of its id"] as const]
      : []),
  ];
}

/** The long names of all flags of a verb, with their dashes. */
export function flagsOf(verb: Verb): string[] {
  const all = [...(verb.flags ?? []), ...commonFlags(verb)];
  return all.map(([flags]) => /--[\w-]+/.exec(flags)?.[0] ?? flags);
}
