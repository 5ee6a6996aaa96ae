/** Where state and sockets lie, by the environment. */
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { decodeBase64, IopipeError, isKind, locate } from "../protocol/wire/index.ts";

describe("the state directory", () => {
  test.each([
    ["IOPIPE_STATE_DIR", { IOPIPE_STATE_DIR: "/s", XDG_STATE_HOME: "/x", HOME: "/h" }, "/s"],
    ["XDG_STATE_HOME", { XDG_STATE_HOME: "/x", HOME: "/h" }, "/x/iopipe"],
    ["HOME", { HOME: "/h" }, "/h/.local/state/iopipe"],
    ["the user's entry, where there is no HOME", {}, join(homedir(), ".local/state/iopipe")],
    ["the user's entry, where HOME is empty", { HOME: "" }, join(userInfo().homedir, ".local/state/iopipe")],
    [
      "the user's entry, where HOME is relative",
      { HOME: "h" },
      join(userInfo().homedir, ".local/state/iopipe"),
    ],
    ["HOME, where XDG_STATE_HOME is relative", { XDG_STATE_HOME: "x", HOME: "/h" }, "/h/.local/state/iopipe"],
  ])("comes from %s", (_, env, stateDir) => {
    expect(locate(env).stateDir).toBe(stateDir);
  });
});

describe("the sockets", () => {
  test.each([
    ["IOPIPE_RUNTIME_DIR", { IOPIPE_RUNTIME_DIR: "/r", IOPIPE_STATE_DIR: "/s", XDG_RUNTIME_DIR: "/u" }, "/r"],
    ["the state directory that was named", { IOPIPE_STATE_DIR: "/s", XDG_RUNTIME_DIR: "/u" }, "/s/run"],
    ["XDG_RUNTIME_DIR", { HOME: "/h", XDG_RUNTIME_DIR: "/u" }, "/u/iopipe"],
    ["the state directory", { HOME: "/h" }, "/h/.local/state/iopipe/run"],
    ["it, where XDG's is relative", { HOME: "/h", XDG_RUNTIME_DIR: "u" }, "/h/.local/state/iopipe/run"],
    [
      "the next rule, where a variable is empty",
      { HOME: "/h", IOPIPE_RUNTIME_DIR: "" },
      "/h/.local/state/iopipe/run",
    ],
  ])("lie by %s", (_, env, runtimeDir) => {
    expect(locate(env)).toMatchObject({
      runtimeDir,
      sockets: { reviewer: `${runtimeDir}/iopiped.sock`, proposer: `${runtimeDir}/propose/iopiped.sock` },
    });
  });
});

describe("errors on the wire", () => {
  test("come back as what they were", () => {
    const error = new IopipeError("Stale", "a.txt was changed", { path: "a.txt" });
    const back = IopipeError.fromWire(JSON.parse(JSON.stringify(error.toWire())));
    expect(back).toMatchObject({ kind: "Stale", code: 1030, message: "a.txt was changed", data: error.data });
    expect(isKind(back, "Stale", "Conflict")).toBe(true);
    expect(isKind(back, "Conflict")).toBe(false);
    expect(isKind(new Error("x"))).toBe(false);
  });

  test("without data are told by their code; of a kind this version does not know, are internal", () => {
    expect(IopipeError.fromWire({ code: 1052, message: "m" }).kind).toBe("Busy");
    expect(IopipeError.fromWire({ code: 4711, message: "m" }).kind).toBe("InternalError");
    const data = { kind: "FromTheFuture" as never, retryable: true, hint: "h" };
    expect(IopipeError.fromWire({ code: 4711, message: "m", data }).kind).toBe("InternalError");
  });
});

describe("base64", () => {
  test.each(["", "aGk=", "aGkh", "aA=="])("%j is decoded", (text) => {
    expect(decodeBase64(text, "data").toString("base64")).toBe(text);
  });

  test.each(["a", "aGk", "aG k=", "aGk=aGk=", "????"])("%j is refused, naming the param", (text) => {
    expect(() => decodeBase64(text, "data")).toThrow(/data: it is not padded base64/);
  });
});
