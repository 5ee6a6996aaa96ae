/** Slots: how many commands are verified at once, who is next, and who gives up. */
import { expect, test } from "vitest";
import { slots } from "../daemon/workspace/verify/slots.ts";

test("so many at once, the others in their order, and none for who has given up", async () => {
  const atOnce = slots(2);
  const { signal } = new AbortController();
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const ask = (name: string, with_ = signal) =>
    atOnce(async () => {
      begun.push(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      if (name === "b") throw new Error("b");
    }, with_);

  const leaving = new AbortController();
  const [a, b, c, d, e] = [ask("a"), ask("b"), ask("c"), ask("d", leaving.signal), ask("e")];
  expect(begun).toEqual(["a", "b"]);
  leaving.abort(new Error("left"));
  await expect(d).rejects.toThrow("left");
  ends.get("b")?.();
  await expect(b).rejects.toThrow("b");
  await expect.poll(() => begun).toEqual(["a", "b", "c"]);
  ends.get("a")?.();
  await a;
  await expect.poll(() => begun).toEqual(["a", "b", "c", "e"]);
  for (const name of ["c", "e"]) ends.get(name)?.();
  await Promise.all([c, e]);
  await expect(ask("f", leaving.signal)).rejects.toThrow("left");
});
