/** Handlers of operation/*: the log, and taking operations back. */
import type { Operation } from "../../../protocol/methods/index.ts";
import { type OperationRow, operationToWire } from "../../store/index.ts";
import { diffOperation } from "../../workspace/operation-diff.ts";
import { undoOperation } from "../../workspace/undo.ts";
import type { Call, Handlers } from "../call.ts";
import type { Parts } from "./index.ts";
import { pageOf } from "./pages.ts";
import { namedSession, visibleSessions } from "./views.ts";

export function operationHandlers(parts: Parts) {
  const { store, workspaces } = parts;
  return {
    "operation/list": ({ workspace, path, session: named, ...asked }, call) => {
      const session = named === undefined ? undefined : namedSession(store, named, call).id;
      const query = { workspace: workspaces.find(workspace).id, path, session };
      const { rows, ...more } = pageOf(asked, (page) => store.operations.list(query, page));
      return { operations: rows.map((row) => withoutForeignIds(row, call)), ...more };
    },
    "operation/get": ({ operation }, call) => ({
      operation: withoutForeignIds(store.operations.require(operation), call),
    }),
    "operation/diff": ({ operation, ...options }) =>
      diffOperation(parts, store.operations.require(operation), options),
    "operation/undo": ({ operation, ...options }, call) =>
      undoOperation(parts, store.operations.require(operation), options, call),
    "operation/resolve": ({ operation }) => ({
      operation: operationToWire(store.operations.resolve(operation)),
    }),
  } satisfies Partial<Handlers>;
}

/** A proposer is shown what changed, but not whose session it came from. */
function withoutForeignIds(row: OperationRow, call: Call): Operation {
  const operation = operationToWire(row);
  const { session, title: _title, agent: _agent, ...anonymous } = operation;
  return session === undefined || visibleSessions(call)?.has(session) !== false ? operation : anonymous;
}
