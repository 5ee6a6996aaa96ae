/**
 * This project verifies proposals to itself: its own `npm run check`, required by a policy, in a copy of the checkout.
 */
import { execFileSync } from "node:child_process";
import { cpSync, lstatSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { canLayer } from "./layers.ts";
import { makeRepository } from "./repository.ts";
import { sharedStage } from "./scene.ts";

const stage = sharedStage();
const CHECKOUT = path.resolve(import.meta.dirname, "../..");

const POLICY = `{
  "checks": { "check": { "command": ["npm", "run", "check"], "timeoutMs": 300000 } },
  "require": ["check"]
}
`;

/** The checkout's own files and its dependencies, as a repository; gives the files' names. */
function copyCheckout(root: string): string[] {
  const listed = execFileSync("git", ["ls-files", "-z", "-co", "--exclude-standard"], { cwd: CHECKOUT });
  const names = listed.toString().split("\0").filter(Boolean);
  makeRepository(root, { [".iopipe.jsonc"]: POLICY });
  for (const name of names) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    cpSync(path.join(CHECKOUT, name), path.join(root, name));
  }
  const modules = path.join(CHECKOUT, "node_modules");
  // Without copying them where that can be: nothing writes to these names but the layer, which copies first.
  try {
    execFileSync("cp", ["-al", modules, root], { stdio: "ignore" });
  } catch {
    execFileSync("cp", ["-a", modules, root]);
  }
  return names;
}

test.runIf(canLayer)(
  "a change that breaks the project's check is not applied, one that does not is",
  {
    timeout: 600_000,
  },
  async () => {
    const { reviewer, proposer, home } = stage();
    const root = path.join(home.directory, "checkout");
    const names = copyCheckout(root);
    const { workspace } = await reviewer.call("workspace/open", { root });
    const { policy } = await reviewer.call("workspace/policy", { workspace: root });
    await reviewer.call("workspace/trust", { workspace: root, hash: policy?.hash });
    const seen = () =>
      names.map((name) => [
        ...[name, lstatSync(path.join(root, name), { bigint: true }).mtimeNs],
        readFileSync(path.join(root, name), "latin1"),
      ]);
    const before = seen();
    // As a shell of its own has it: this one is a test runner's.
    const env = { PATH: process.env.PATH ?? "", HOME: home.directory };
    const verify = async (session: string) =>
      (await reviewer.call("session/verify", { session, env })).verdicts[0];
    const apply = async (id: string) => {
      const { session } = await reviewer.call("session/get", { session: id });
      return await reviewer.call("session/apply", { session: id, expectedDigest: session.digest });
    };

    const session = await proposer.openSession({ workspace: workspace.id, title: "A limit of text" });
    const file = "protocol/wire/limits.ts";
    const text = readFileSync(path.join(root, file), "utf8");
    await session.write(file, `${text}\nexport const PROTOCOL_NAME: number = "iopipe";\n`);
    const broken = await verify(session.id);
    expect(broken).toMatchObject({ check: "check", outcome: "failed" });
    expect(broken?.output).toMatch(/limits\.ts.*TS2322/);
    await expect(apply(session.id)).rejects.toMatchObject({ kind: "NotApproved" });

    await session.write(file, `${text}// Nothing is broken by a remark.\n`);
    const passed = await verify(session.id);
    expect(passed?.output).toMatch(/Tests .*passed/);
    expect(passed).toMatchObject({ check: "check", outcome: "passed" });
    expect(seen()).toEqual(before);
    await apply(session.id);
    expect(readFileSync(path.join(root, file), "utf8")).toContain("Nothing is broken");
  },
);
