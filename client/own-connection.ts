/**
 * The library's own connection, for calls that were given none: those under way share it, and it ends with the last.
 * Owns when it is made and closed. As a proposer: whoever needs more connects by itself.
 */
import { connect } from "./connect.ts";
import type { Connection } from "./connection.ts";

let own: { readonly connection: Promise<Connection>; users: number } | undefined;

/** Does `work` with the connection that is given, else with the shared one, made when `work` first asks for it. */
export async function withConnection<T>(
  given: Connection | undefined,
  work: (connected: () => Promise<Connection>) => Promise<T>,
): Promise<T> {
  if (given !== undefined) return await work(async () => given);
  let borrowed: typeof own;
  const connected = (): Promise<Connection> => {
    own ??= { connection: connect({ role: "proposer" }), users: 0 };
    if (borrowed === undefined) {
      borrowed = own;
      borrowed.users += 1;
    }
    return borrowed.connection;
  };
  try {
    return await work(connected);
  } finally {
    if (borrowed !== undefined) giveBack(borrowed);
  }
}

function giveBack(borrowed: NonNullable<typeof own>): void {
  borrowed.users -= 1;
  if (borrowed.users > 0) return;
  // Open, it would keep the process alive.
  if (own === borrowed) own = undefined;
  borrowed.connection.then(
    (connection) => connection.close(),
    () => {},
  );
}
