/**
 * The Node version check that both binaries run before anything else is loaded.
 * Owns the message. The build puts this function's text, called at once, at the top of each binary (banner.ts), because
 * an `import` of it would not run before the bundle's other imports.
 * Invariant: self-contained and in syntax that Node 10 parses, so that an old Node reaches the message.
 */

interface NodeProcess {
  readonly versions: { readonly node: string };
  readonly execPath: string;
  readonly argv: readonly string[];
  readonly stderr: { write(text: string): unknown };
  exit(code: number): unknown;
}

/**
 * Ends `proc` with one line on stderr where its Node is older than `required` ("major.minor"). Its status is 1, for a hook
 * 2: with any other an agent lets the write through.
 */
export function checkNode(binary: string, required: string, proc: NodeProcess): void {
  const have = proc.versions.node.split(".").map(Number);
  const need = required.split(".").map(Number);
  const major = Number(have[0]) - Number(need[0]);
  if (major > 0 || (major === 0 && Number(have[1]) >= Number(need[1]))) return;
  proc.stderr.write(
    binary +
      " needs Node " +
      required +
      " or newer, but this is Node " +
      proc.versions.node +
      " (" +
      proc.execPath +
      "). In a checkout run `npx " +
      binary +
      "`, which brings its own Node; elsewhere install a newer Node.\n",
  );
  proc.exit(proc.argv[2] === "hook" ? 2 : 1);
}
