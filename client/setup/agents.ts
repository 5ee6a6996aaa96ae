/**
 * The agents that `iopipectl setup` knows, as a table: which lines of which of their files make them propose through
 * iopipe. Owns the forms of their configuration; how lines get into a file is merge.ts.
 * Sources: the agents' own documentation: code.claude.com/docs/en/{mcp,hooks,settings}, developers.openai.com/codex/mcp,
 * geminicli.com/docs (settings), cursor.com/docs/context/mcp, code.visualstudio.com/docs (MCP servers),
 * opencode.ai/docs/{mcp-servers,permissions}, docs.windsurf.com (MCP).
 */
import type { Lines } from "./form.ts";

/** How iopipectl is started: by its name where that is on the PATH, else by the paths of this installation. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

export interface ConfigFile {
  /** Relative to the workspace's root; with `~/` in the home directory, which only its owner changes. */
  readonly path: string;
  /** Other names under which the agent looks for the same file; the first that exists is taken. */
  readonly or?: readonly string[];
  readonly lines: Lines;
}

interface Agent {
  readonly name: string;
  readonly files: (command: Command, root: string) => readonly ConfigFile[];
  /** What the person has to know beside it; full sentences. */
  readonly remarks: readonly string[];
}

/** Agents whose server is started somewhere else have the project's directory put in by themselves. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: the agent replaces it.
const IN_FOLDER = ["--workspace", "${workspaceFolder}"];

const server = ({ program, args }: Command, more: readonly string[] = []) => ({
  command: program,
  args: [...args, "mcp", ...more],
});

const OWN_TOOLS =
  "Its own editing tools still write to the tree: ask it to change files only with iopipe's, or start it with `iopipectl run`.";

/**
 * Claude Code gives a hook's command to a shell, blocks the tool's call at exit code 2 and lets it run at any other: that of
 * a program which is missing, crashes or is killed too. Source: code.claude.com/docs/en/hooks (exit code output).
 */
const FAIL_CLOSED = " || exit 2";

/** The command of the hook, as any version of setup or page of iopipe has given it. */
const HOOK_COMMAND = /(^|[/'"\s])iopipectl(\.cjs)?['"]? hook( claude)?( \|\| exit 2)?$/;

export const AGENTS: Readonly<Record<string, Agent>> = {
  claude: {
    name: "Claude Code",
    files: (command) => [
      {
        path: ".mcp.json",
        lines: { form: "json", set: [{ path: ["mcpServers", "iopipe"], value: server(command) }] },
      },
      {
        path: ".claude/settings.json",
        lines: {
          form: "json",
          set: [
            { path: ["env", "IOPIPE_ROLE"], value: "proposer" },
            {
              path: ["hooks", "PreToolUse"],
              element: {
                matcher: "Write|Edit|MultiEdit|NotebookEdit|Read",
                hooks: [
                  {
                    type: "command",
                    command: shellWords(command, ["hook", "claude"]) + FAIL_CLOSED,
                    timeout: 60,
                  },
                ],
              },
              known: { key: "command", text: HOOK_COMMAND, ending: FAIL_CLOSED },
            },
          ],
        },
      },
    ],
    remarks: [
      "The hook stages what Write, Edit, MultiEdit and NotebookEdit would write; what its shell writes, only `iopipectl run` stages.",
    ],
  },
  codex: {
    name: "Codex",
    files: (command) => [
      {
        path: ".codex/config.toml",
        lines: {
          form: "toml",
          sections: {
            "mcp_servers.iopipe": server(command),
            "shell_environment_policy.set": { IOPIPE_ROLE: "proposer" },
          },
        },
      },
    ],
    remarks: [
      "Codex reads a project's file only where the project is trusted.",
      "With `codex --sandbox read-only` it can write through iopipe alone: its MCP servers run outside the sandbox.",
    ],
  },
  gemini: {
    name: "Gemini CLI",
    files: (command) => [
      {
        path: ".gemini/settings.json",
        lines: {
          form: "json",
          set: [
            { path: ["mcpServers", "iopipe"], value: server(command) },
            { path: ["tools", "exclude"], element: "write_file" },
            { path: ["tools", "exclude"], element: "replace" },
          ],
        },
      },
    ],
    remarks: ["Its own write_file and replace are excluded, so that it proposes; its shell can write."],
  },
  cursor: {
    name: "Cursor",
    files: (command) => [
      {
        path: ".cursor/mcp.json",
        lines: { form: "json", set: [{ path: ["mcpServers", "iopipe"], value: server(command, IN_FOLDER) }] },
      },
    ],
    remarks: [OWN_TOOLS],
  },
  vscode: {
    name: "Copilot in VS Code",
    files: (command) => [
      {
        path: ".vscode/mcp.json",
        lines: {
          form: "json",
          set: [{ path: ["servers", "iopipe"], value: { type: "stdio", ...server(command, IN_FOLDER) } }],
        },
      },
    ],
    remarks: [OWN_TOOLS],
  },
  opencode: {
    name: "opencode",
    files: ({ program, args }) => [
      {
        path: "opencode.json",
        or: ["opencode.jsonc", ".opencode/opencode.json", ".opencode/opencode.jsonc"],
        lines: {
          form: "json",
          set: [
            {
              path: ["mcp", "iopipe"],
              value: { type: "local", command: [program, ...args, "mcp"], enabled: true },
            },
            { path: ["permission", "edit"], value: "deny", onlyNew: true },
          ],
        },
      },
    ],
    remarks: ["Its own editing tools are denied, so that it proposes; its shell can write."],
  },
  windsurf: {
    name: "Windsurf",
    files: (command, root) => [
      {
        path: "~/.codeium/windsurf/mcp_config.json",
        lines: {
          form: "json",
          set: [{ path: ["mcpServers", "iopipe"], value: server(command, ["--workspace", root]) }],
        },
      },
    ],
    remarks: [OWN_TOOLS],
  },
};

/** A command line for a shell. */
function shellWords({ program, args }: Command, more: readonly string[]): string {
  return [program, ...args, ...more]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(" ");
}
