import type { CallCost } from "./runtime-cost.ts";
import type { Value } from "./values.ts";

/** The budget is used up; ends the evaluation at once, whatever would absorb a failure. */
export class BudgetExceeded extends Error {
  constructor() {
    super("operation cancelled: actual cost limit exceeded");
  }
}

/** What one evaluation has cost so far. */
export class Run {
  readonly callCost: CallCost | undefined;
  readonly #budget: number;
  #cost = 0;

  constructor(budget: number, callCost: CallCost | undefined) {
    this.#budget = budget;
    this.callCost = callCost;
  }

  get cost(): number {
    return this.#cost;
  }

  spend(cost: number): void {
    this.#cost += cost;
    if (this.#cost > this.#budget) throw new BudgetExceeded();
  }
}

/** Where names are looked up during an evaluation. */
export interface Frame {
  readonly run: Run;
  /** Undefined where there is no such variable. */
  find(name: string): Value | undefined;
}

/** A step of a program: an expression that is ready to be evaluated. */
export type Step = (frame: Frame) => Value;
