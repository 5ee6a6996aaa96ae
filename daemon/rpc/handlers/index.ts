/**
 * The methods' handlers: from checked params to a result. They translate; the work is the parts' below.
 * Each file has one area's; together they are every method of the contract (the type says so).
 */
import type { Collector } from "../../workspace/collecting.ts";
import type { House } from "../../workspace/house.ts";
import type { Layers } from "../../workspace/layers/index.ts";
import type { Verifier } from "../../workspace/verify/index.ts";
import type { Handlers } from "../call.ts";
import { afterLayers } from "./after-layers.ts";
import { afterRecovery } from "./after-recovery.ts";
import { blobHandlers } from "./blob.ts";
import { type Daemon, daemonHandlers } from "./daemon.ts";
import { eventHandlers } from "./events.ts";
import { holdingBlobs } from "./holding-blobs.ts";
import { layerHandlers } from "./layer.ts";
import { operationHandlers } from "./operation.ts";
import { patchHandlers } from "./patch.ts";
import { sessionHandlers } from "./session.ts";
import { verifyHandlers } from "./verify.ts";
import { watchHandlers } from "./watch.ts";
import { workspaceHandlers } from "./workspace.ts";

export interface Parts extends House {
  readonly daemon: Daemon;
  readonly collector: Collector;
  readonly layers: Layers;
  readonly verifier: Verifier;
}

export function createHandlers(parts: Parts): Handlers {
  const handlers: Handlers = {
    ...daemonHandlers(parts),
    ...workspaceHandlers(parts),
    ...sessionHandlers(parts),
    ...patchHandlers(parts),
    ...blobHandlers(parts),
    ...operationHandlers(parts),
    ...layerHandlers(parts),
    ...verifyHandlers(parts),
    ...watchHandlers(parts),
    ...eventHandlers(parts),
  };
  return afterRecovery(holdingBlobs(afterLayers(handlers, parts), parts.store), parts);
}
