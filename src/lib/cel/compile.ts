import { childrenOf, type Expr } from "./ast.ts";
import { check, type Checked } from "./checker.ts";
import { type CostEstimate, estimateCost, type Estimator } from "./estimate.ts";
import type { Environment } from "./environment.ts";
import { parse } from "./parser.ts";
import { plan, PlanFailure } from "./planner.ts";
import { BudgetExceeded, type Frame, Run, type Step } from "./run.ts";
import type { CallCost } from "./runtime-cost.ts";
import { displayIssues, type Issue } from "./source.ts";
import { type CelType, DYN } from "./types.ts";
import { validate } from "./validators.ts";
import { Failure, type Value } from "./values.ts";

/** An expression that is none: its faults, and the text that upstream's API shows for them. */
export interface CompileFailure {
  readonly kind: "failure";
  readonly issues: readonly Issue[];
  readonly message: string;
  /** The expression is sound, but a constant part of it fails whenever it is evaluated. */
  readonly isConstant?: boolean;
  /** Of variables, as far as that is known. */
  readonly names?: ReadonlySet<string>;
}

export interface Compiled {
  readonly kind: "compiled";
  readonly program: Program;
  /** Of the result. */
  readonly type: CelType;
  /** The names of variables, of loops too, that the expression uses. */
  readonly names: ReadonlySet<string>;
  /** What an evaluation costs at least and at most, as far as sizes are known before. */
  estimate(estimator?: Estimator): CostEstimate;
}

/** Parses and checks an expression and makes it ready to run. */
export function compile(expression: string, environment: Environment): Compiled | CompileFailure {
  const parsed = parse(expression, environment.macros);
  if (parsed.issues.length > 0) return failure(expression, parsed.issues);
  const checked = check(parsed.expr, parsed.positions, environment);
  if (checked.issues.length > 0) return failure(expression, checked.issues);
  const invalid = validate(checked.expr, checked, parsed.positions);
  if (invalid.length > 0) return failure(expression, invalid);
  try {
    return compiled(checked, plan(checked, environment), environment);
  } catch (error) {
    if (!(error instanceof PlanFailure)) throw error;
    return {
      kind: "failure",
      issues: [{ offset: -1, message: error.message }],
      message: error.message,
      isConstant: true,
      names: new Set(namesIn(checked.expr)),
    };
  }
}

const NOTHING_KNOWN: Estimator = { size: () => undefined };

function failure(expression: string, issues: readonly Issue[]): CompileFailure {
  return { kind: "failure", issues, message: displayIssues(expression, issues) };
}

function compiled(checked: Checked, step: Step, { callCost, estimateCall }: Environment): Compiled {
  return {
    kind: "compiled",
    program: new Program(step, callCost),
    type: checked.types.get(checked.expr.id) ?? DYN,
    names: new Set(namesIn(checked.expr)),
    estimate: (estimator = NOTHING_KNOWN) =>
      estimateCost(checked, estimateCall === undefined ? estimator : { call: (...call) => estimateCall(estimator, ...call), ...estimator }),
  };
}

function* namesIn(expr: Expr): Generator<string> {
  if (expr.node.kind === "ident") yield expr.node.name;
  for (const child of childrenOf(expr)) yield* namesIn(child);
}

export interface Evaluation {
  /** A `Failure` where there is no value. */
  readonly value: Value;
  readonly cost: number;
  /** Whether the budget ended the evaluation. */
  readonly exceeded: boolean;
}

export interface EvaluationLimits {
  /** Units of cost; without limit if left out. */
  readonly budget?: number;
}

/** Variables by name. A variable may be computed when it is first asked for: a function without arguments. */
export type Activation = Readonly<Record<string, Value | (() => Value)>>;

export class Program {
  readonly #step: Step;
  readonly #callCost: CallCost | undefined;

  constructor(step: Step, callCost: CallCost | undefined) {
    this.#step = step;
    this.#callCost = callCost;
  }

  evaluate(variables: Activation, { budget = Infinity }: EvaluationLimits = {}): Evaluation {
    const run = new Run(budget, this.#callCost);
    try {
      const value = this.#step(new Variables(variables, run));
      return { value, cost: run.cost, exceeded: false };
    } catch (error) {
      if (!(error instanceof BudgetExceeded)) throw error;
      return { value: new Failure(error.message), cost: run.cost, exceeded: true };
    }
  }
}

class Variables implements Frame {
  readonly run: Run;
  readonly #given: Activation;
  readonly #computed = new Map<string, Value>();

  constructor(given: Activation, run: Run) {
    this.#given = given;
    this.run = run;
  }

  find(name: string): Value | undefined {
    if (!Object.hasOwn(this.#given, name)) return undefined;
    const given = this.#given[name];
    if (typeof given !== "function") return given;
    const known = this.#computed.get(name);
    if (known !== undefined) return known;
    const value = given();
    this.#computed.set(name, value);
    return value;
  }
}
