/**
 * Somebody else: a shell of its own that edits the tree between calls and beside them.
 * Every byte that it writes is stamped with a number that nothing else has, so that what became of it can be asked.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Outside } from "./commands.ts";

export interface Somebody {
  /** Runs the edits; gives the stamps that were written. One that cannot be made is left out. */
  edit(edits: readonly Outside[], afterMs?: number): Promise<string[]>;
  end(): Promise<void>;
}

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

const above = (path: string): string => `mkdir -p "$(dirname ${path})"`;

type Script = (edit: { path: string; to: string; target: string; mode: string; stamp: string }) => string;

const ACTS: Readonly<Record<Outside["act"], Script>> = {
  write: ({ path, stamp }) => `${above(path)}; printf '${stamp}\\n' > ${path} && echo ${stamp}`,
  append: ({ path, stamp }) => `printf '${stamp}\\n' >> ${path} && echo ${stamp}`,
  save: ({ path, stamp }) =>
    `printf '${stamp}\\n' > .saving && mv -T .saving ${path} && echo ${stamp}; rm -f .saving`,
  touch: ({ path }) => `touch -c -d @1 ${path}`,
  remove: ({ path }) => `rm -rf ${path}`,
  makeDirectory: ({ path }) => `rm -rf ${path}; mkdir -p ${path}`,
  // A directory that may not be read would hide the tree from the test itself, where it is not root's.
  chmod: ({ path, mode }) => `chmod ${mode} ${path}; test ! -d ${path} || chmod u+rx ${path}`,
  move: ({ path, to }) => `mv -T ${path} ${to}`,
  copy: ({ path, to }) => `cp -dT ${path} ${to}`,
  hardLink: ({ path, to }) => `ln -T ${path} ${to}`,
  link: ({ path, target }) => `rm -rf ${path}; ${above(path)}; ln -sT ${target} ${path}`,
};

let stamps = 0;

export function startSomebody(root: string): Somebody {
  const shell = spawn("sh", { cwd: root, stdio: ["pipe", "pipe", "ignore"] });
  const lines = createInterface({ input: shell.stdout })[Symbol.asyncIterator]();
  const line = (edit: Outside): string => {
    const words = { to: "", target: "", mode: 0, ...edit };
    const stamp = `stamp-${++stamps}-`;
    const script = ACTS[edit.act]({
      ...{ path: quote(words.path), to: quote(words.to), target: quote(words.target), stamp },
      mode: words.mode.toString(8),
    });
    return `{ ${script}; } 2>/dev/null`;
  };
  return {
    edit: async (edits, afterMs = 0) => {
      shell.stdin.write(`${[`sleep ${afterMs / 1000}`, ...edits.map(line), "echo done"].join("\n")}\n`);
      const written: string[] = [];
      for (;;) {
        const { value, done } = await lines.next();
        if (done || value === "done") return written;
        written.push(value);
      }
    },
    end: async () => {
      shell.stdin.end("chmod -R u+rwX . ../outside\n");
      await once(shell, "exit");
    },
  };
}
