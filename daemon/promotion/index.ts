/** Promotion as the workspace calls it. */
export { promote, rehearse } from "./promote.ts";
export { recover } from "./recover.ts";
export type { Hooks, PromotionRequest, Transition } from "./request.ts";
export { planUndo, type UndoPlan } from "./undo.ts";
