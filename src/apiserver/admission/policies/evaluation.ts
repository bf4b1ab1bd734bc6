import { plainCopy } from "#apimachinery/decode/own.ts";
import type { Expression } from "#api/admissionregistration-v1/expressions.ts";
import { PER_CALL_LIMIT } from "#apimachinery/cel/environment.ts";
import { Failure, MapValue, type Value } from "#lib/cel/values.ts";
import { fromJson } from "#lib/cel/json.ts";
import type { Activation } from "#lib/cel/compile.ts";

const LIMITS = { budget: PER_CALL_LIMIT };

/** Nothing more is evaluated: all that was granted is spent. */
export class OutOfBudget extends Error {
  override readonly name = "OutOfBudget";

  constructor() {
    super("validation failed due to running out of cost budget, no further validation rules will be run");
  }
}

/** What is left to be spent on a group of expressions. */
export class Budget {
  #left: number;

  constructor(left: number) {
    this.#left = left;
  }

  /** @throws {OutOfBudget} */
  spend(cost: number): void {
    this.#left -= cost;
    if (this.#left < 0) throw new OutOfBudget();
  }
}

/** @throws {OutOfBudget}; what else goes wrong is a Failure, with upstream's words */
export function evaluate({ text, program, fault }: Expression, activation: Activation, budget: Budget): Value {
  if (program === undefined) return new Failure(`compilation error: ${fault}`);
  const { value, cost } = program.evaluate(activation, LIMITS);
  budget.spend(cost);
  return value instanceof Failure ? new Failure(`expression '${text}' resulted in error: ${value.message}`) : value;
}

/** A policy's variables: each is evaluated when it is first asked for, and costs its expression then. */
export class LazyVariables extends MapValue {
  readonly #expressions: ReadonlyMap<string, Expression>;
  readonly #activation: Activation;
  readonly #budget: Budget;
  readonly #known = new Map<string, Value>();

  constructor(expressions: ReadonlyMap<string, Expression>, activation: Activation, budget: Budget) {
    super();
    this.#expressions = expressions;
    this.#activation = { ...activation, variables: this };
    this.#budget = budget;
  }

  override get size(): number {
    return this.#expressions.size;
  }

  override keys(): Iterable<Value> {
    return this.#expressions.keys();
  }

  override get(key: Value): Value | undefined {
    const expression = typeof key === "string" ? this.#expressions.get(key) : undefined;
    if (expression === undefined) return undefined;
    let value = this.#known.get(key as string);
    if (value === undefined) this.#known.set(key as string, (value = this.#evaluate(key as string, expression)));
    return value;
  }

  #evaluate(name: string, { program, fault }: Expression): Value {
    if (program === undefined) return new Failure(`composited variable ${JSON.stringify(name)} fails to compile: ${fault}`);
    const { value, cost } = program.evaluate(this.#activation, LIMITS);
    this.#budget.spend(cost);
    return value instanceof Failure ? new Failure(`composited variable ${JSON.stringify(name)} fails to evaluate: ${value.message}`) : value;
  }
}

/** A value of ours as expressions see it: as its JSON. */
export const shown = (value: unknown): Value => (value === undefined || value === null ? null : fromJson(plainCopy(value)));
