/**
 * Every method and notification of the contract, by name; the one table that all else is derived from.
 * Clients import only types from here (zod stays out of their bundles).
 */
import type { z } from "zod";
import * as daemon from "./daemon.ts";
import * as layer from "./layer.ts";
import type { Method, Notification } from "./method.ts";
import * as operation from "./operation.ts";
import * as patch from "./patch.ts";
import * as session from "./session.ts";
import * as values from "./values.ts";
import * as verify from "./verify.ts";
import * as watch from "./watch.ts";
import * as workspace from "./workspace.ts";

const ALL_METHODS = [
  daemon.initialize,
  daemon.discover,
  daemon.status,
  daemon.stop,
  daemon.gc,
  daemon.examine,
  workspace.open,
  workspace.list,
  workspace.close,
  workspace.disable,
  workspace.enable,
  workspace.policy,
  workspace.trust,
  session.open,
  session.find,
  session.list,
  session.get,
  session.submit,
  session.wait,
  patch.stage,
  patch.get,
  patch.list,
  patch.read,
  patch.listFiles,
  session.diff,
  session.check,
  session.apply,
  session.discard,
  session.restore,
  session.rebase,
  session.decide,
  verify.verify,
  verify.verdicts,
  session.patchApply,
  session.patchDiscard,
  patch.blobWrite,
  patch.blobCommit,
  patch.blobRead,
  operation.list,
  operation.get,
  operation.diff,
  operation.undo,
  operation.resolve,
  layer.open,
  layer.close,
  watch.subscribe,
  watch.unsubscribe,
  watch.since,
  watch.sync,
  watch.audit,
  watch.eventsSubscribe,
  watch.eventsUnsubscribe,
] as const;

const ALL_NOTIFICATIONS = [
  watch.watchChanges,
  watch.eventsEvent,
  watch.progress,
  watch.cancelRequest,
] as const;

type AnyMethod = (typeof ALL_METHODS)[number];
type AnyNotification = (typeof ALL_NOTIFICATIONS)[number];

export type MethodName = AnyMethod["name"];
export type NotificationName = AnyNotification["name"];

type MethodOf<N extends MethodName> = Extract<AnyMethod, { name: N }>;

/** Params as a client gives them. */
export type Params<N extends MethodName> = z.input<MethodOf<N>["params"]>;
/** Params as a handler gets them, checked. */
export type CheckedParams<N extends MethodName> = z.output<MethodOf<N>["params"]>;
export type Result<N extends MethodName> = z.output<MethodOf<N>["result"]>;
export type NotificationParams<N extends NotificationName> = z.output<
  Extract<AnyNotification, { name: N }>["params"]
>;

export const methods: ReadonlyMap<string, Method> = new Map(ALL_METHODS.map((each) => [each.name, each]));
export const notifications: ReadonlyMap<string, Notification> = new Map(
  ALL_NOTIFICATIONS.map((each) => [each.name, each]),
);

/** The shape of a workspace's policy file, which is read outside any call. */
export const { PolicyRules } = values;
export type PolicyRules = values.PolicyRules;

/** The named values of the contract, for rpc.discover and the reference. */
export const schemas: Readonly<Record<string, z.ZodType>> = {
  Workspace: values.Workspace,
  Policy: values.Policy,
  Session: values.Session,
  Verdict: values.Verdict,
  Patch: values.Patch,
  Syntax: values.Syntax,
  Diagnostic: values.Diagnostic,
  Image: values.Image,
  Hunk: values.Hunk,
  FileStatus: values.FileStatus,
  Operation: values.Operation,
  Change: values.Change,
  Conflicted: values.Conflicted,
  FileChange: values.FileChange,
  Lanes: values.Lanes,
  WatchRules: values.WatchRules,
  AuditDifference: values.AuditDifference,
};

export type {
  AuditDifference,
  Change,
  ChangeOf,
  Conflicted,
  Decision,
  Diagnostic,
  DiscardReason,
  EventType,
  FileChange,
  FileStatus,
  Finding,
  Hunk,
  Image,
  Lanes,
  LayerBackend,
  Operation,
  OperationKind,
  OperationState,
  Outcome,
  Patch,
  PatchKind,
  PatchState,
  Policy,
  Priority,
  Problem,
  Session,
  SessionState,
  Syntax,
  Verdict,
  WatchRules,
  WatchState,
  Workspace,
} from "./values.ts";
