/** What each side of the bench is: the three steps of one change. */

export type Step = "stage" | "diff" | "apply";

type Work = (round: number) => unknown;

export interface Steps {
  readonly names: Partial<Readonly<Record<Step, string>>>;
  /** What `stage` needs. */
  readonly toStage?: Work;
  readonly stage: Work;
  readonly diff?: Work;
  /** What `apply` needs after `stage`. */
  readonly toApply?: Work;
  readonly apply: Work;
  /** Nothing staged, nothing applied. */
  readonly reset: Work;
}
