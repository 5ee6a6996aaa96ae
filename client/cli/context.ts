/**
 * What a verb works with: its flags, the connection, and the interrupt.
 * Owns connecting at first use, and ^C. How verbs are declared is verbs.ts.
 */
import type { MethodName, Params, Result } from "../../protocol/methods/index.ts";
import type { Role } from "../../protocol/wire/locations.ts";
import { connect, roleOf } from "../connect.ts";
import type { Connection } from "../connection.ts";
import { UsageError } from "./failure.ts";
import { printJson } from "./output.ts";
import { makePatience } from "./patience.ts";
import { showProgress } from "./progress.ts";

/** How long a verb that gives up waits for a silent daemon, in milliseconds. */
const SILENCE_LIMIT_MS = 10_000;

/** Those that a person or a supervisor sends to end or steer a command. */
const LEFT: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"];

export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export class Context {
  readonly role: Role = roleOf(process.env);
  readonly json: boolean;
  readonly #flags: Flags;
  readonly #interrupt = new AbortController();
  readonly #patience = makePatience(
    async () => (await this.#connected?.answers()) ?? false,
    this.#interrupt.signal,
  );
  #connection: Promise<Connection> | undefined;
  #connected: Connection | undefined;

  constructor(flags: Flags) {
    this.#flags = flags;
    this.json = flags.json === true;
    process.once("SIGINT", this.interrupt);
  }

  /** What ^C does: running calls are cancelled; a second ^C ends the process as usual. */
  readonly interrupt = (): void => this.#interrupt.abort();

  /** The working directory: absolute, without symlinks. @throws {UsageError} where somebody has removed it */
  get cwd(): string {
    try {
      return process.cwd();
    } catch {
      throw new UsageError("The working directory is gone.", "Change to one that is there.");
    }
  }

  /** Aborted by ^C. */
  get signal(): AbortSignal {
    return this.#interrupt.signal;
  }

  /** Whether a flag without a value was given. */
  has(flag: string): boolean {
    return this.#flags[flag] === true;
  }

  /** A flag's value. */
  text(flag: string): string | undefined {
    const value = this.#flags[flag];
    return typeof value === "string" ? value : undefined;
  }

  /** The values of a flag that takes several. */
  list(flag: string): string[] | undefined {
    const value = this.#flags[flag];
    return Array.isArray(value) ? [...value] : undefined;
  }

  /** The daemon; started at the first call when none runs. */
  connection(autostart = !process.env.IOPIPE_LAYER): Promise<Connection> {
    this.#connection ??= connect({
      role: this.role,
      autostart,
      client: { name: "iopipectl" },
    }).then((connection) => {
      this.#connected = connection;
      return connection;
    });
    const connecting = this.#connection;
    return this.patiently(() => connecting);
  }

  /** Waits for work of the daemon's that is no call(); see Patience. */
  patiently<T>(work: () => Promise<T>): Promise<T> {
    return this.#patience.during(work);
  }

  /** For a verb that only looks: a daemon that stays silent ends it, with Timeout. */
  giveUpInSilence(): void {
    this.#patience.limit(SILENCE_LIMIT_MS);
  }

  /** Calls a method; ^C cancels it, and a terminal sees its progress when it takes long. */
  async call<N extends MethodName>(name: N, params: Params<N>): Promise<Result<N>> {
    const connection = await this.connection();
    return await this.patiently(() =>
      showProgress((onProgress) => connection.call(name, params, { signal: this.signal, onProgress })),
    );
  }

  /** Leaves signals to a child that shares the terminal; `tell` gets them, and ^C interrupts nothing of ours. */
  async leavingSignals<T>(tell: (signal: NodeJS.Signals) => void, work: () => Promise<T>): Promise<T> {
    process.off("SIGINT", this.interrupt);
    for (const signal of LEFT) process.on(signal, tell);
    try {
      return await work();
    } finally {
      for (const signal of LEFT) process.off(signal, tell);
      process.once("SIGINT", this.interrupt);
    }
  }

  /** Prints a result: as JSON where that was asked for, else as `human` does. */
  show<T>(result: T, human: (result: T) => void): void {
    if (this.json) printJson(result);
    else human(result);
  }

  /** Lets the process end. */
  close(): void {
    process.off("SIGINT", this.interrupt);
    // Not awaited: who gave up on a silent daemon need not wait for it here.
    this.#connection?.then(
      (connection) => connection.close(),
      () => {},
    );
  }
}
