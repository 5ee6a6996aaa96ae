/** Promotion as the workspace calls it. */
export { promote } from "./promote.ts";
export { type RecoveryRequest, recover } from "./recover.ts";
export type { Hooks, PromotionRequest, Transition } from "./request.ts";
export { type ModifiedFile, planUndo, type UndoPlan } from "./undo.ts";
