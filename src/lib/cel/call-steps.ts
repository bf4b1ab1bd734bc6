import { comparing, equal } from "./compare.ts";
import type { Implementation } from "./declarations.ts";
import { standardCallCost } from "./runtime-cost.ts";
import type { Frame, Step } from "./run.ts";
import { Failure, type ListValue, mapKey, NO_SUCH_OVERLOAD, Optional, Uint, type Value } from "./values.ts";

/** A call whose function is known. */
export interface Invocation {
  readonly name: string;
  /** Empty where only the arguments tell which overload is meant. */
  readonly overloadId: string;
  readonly run: Implementation;
  readonly args: readonly Step[];
}

function charge({ run }: Frame, name: string, overloadId: string, args: readonly Value[], result: Value): void {
  run.spend(run.callCost?.(name, overloadId, args, result) ?? standardCallCost(overloadId, args));
}

/** These are paid for before they begin, as they may take as long as the whole budget allows. */
export const MATCHERS: ReadonlySet<string> = new Set(["matches", "find", "findAll"]);

/** Pays for a call, then makes it; most prices depend on the result. */
function invoke(frame: Frame, { name, overloadId, run }: Invocation, args: Value[]): Value {
  if (MATCHERS.has(name)) {
    charge(frame, name, overloadId, args, null);
    return run(...args);
  }
  const result = comparing(() => run(...args));
  charge(frame, name, overloadId, args, result);
  return result;
}

/** With two arguments both are evaluated, also when the first fails. */
export function binaryStep(invocation: Invocation): Step {
  const { name, overloadId } = invocation;
  const [first, second] = invocation.args as [Step, Step];
  return (frame) => {
    const a = first(frame);
    const b = second(frame);
    const failure = a instanceof Failure ? a : b instanceof Failure ? b : undefined;
    if (failure === undefined) return invoke(frame, invocation, [a, b]);
    charge(frame, name, overloadId, [a, b], failure);
    return failure;
  };
}

/** An argument that fails is the result; those behind it are not evaluated then, and the call costs nothing. */
export function callStep(invocation: Invocation): Step {
  const { name, overloadId, args } = invocation;
  return (frame) => {
    const values: Value[] = [];
    for (const arg of args) {
      const value = arg(frame);
      values.push(value);
      if (!(value instanceof Failure)) continue;
      if (values.length === args.length) charge(frame, name, overloadId, values, value);
      return value;
    }
    return invoke(frame, invocation, values);
  };
}

export function equalityStep([first, second]: readonly Step[], wanted: boolean): Step {
  const [name, overloadId] = wanted ? ["_==_", "equals"] : ["_!=_", "not_equals"];
  return (frame) => {
    const a = first!(frame);
    const b = second!(frame);
    // What cannot be compared is not equal, for those who ask whether it is not.
    const result = a instanceof Failure ? a : b instanceof Failure ? b : wanted ? comparing(() => equal(a, b)) : comparing(() => equal(a, b)) !== true;
    charge(frame, name!, overloadId!, [a, b], result);
    return result;
  };
}

/**
 * `&&` and `||`: ends at the first operand that decides, and a failure counts only if none does.
 *
 * @param decisive what decides: true for `||`
 */
export function logicStep(operands: readonly Step[], decisive: boolean): Step {
  return (frame) => {
    let failure: Failure | undefined;
    for (const operand of operands) {
      const value = operand(frame);
      if (value === decisive) return decisive;
      if (typeof value !== "boolean") failure ??= value instanceof Failure ? value : NO_SUCH_OVERLOAD;
    }
    return failure ?? !decisive;
  };
}

/** A loop goes on where its condition failed. */
export function notStrictlyFalse(operand: Step): Step {
  return (frame) => {
    const value = operand(frame);
    frame.run.spend(1);
    return typeof value === "boolean" ? value : true;
  };
}

/** `optional.or(optional)` and `optional.orValue(value)`, which evaluate the second operand only where they need it. */
export function orStep(first: Step, second: Step, unwraps: boolean): Step {
  return (frame) => {
    const value = first(frame);
    if (!(value instanceof Optional)) return value;
    if (value.value === undefined) return second(frame);
    return unwraps ? value.value : value;
  };
}

/**
 * `value in [constants]`, looked up in a table.
 *
 * @returns false for an empty list, and undefined where the list holds what cannot be a key
 */
export function memberOfConstant(operand: Step, list: ListValue): Step | false | undefined {
  if (list.size === 0) return false;
  const keys = new Set<string>();
  for (const item of list) {
    const key = isHashable(item) ? constantKey(item) : undefined;
    if (key === undefined) return undefined;
    keys.add(key);
  }
  return (frame) => {
    const value = operand(frame);
    if (value instanceof Failure) return value;
    const key = constantKey(value);
    return key !== undefined && keys.has(key);
  };
}

function isHashable(value: Value): boolean {
  return value === null || typeof value !== "object" || value instanceof Uint;
}

function constantKey(value: Value): string | undefined {
  return value === null ? "null" : mapKey(value);
}
