import { printValue, typeOfValue } from "./inspect.ts";
import { COST } from "./runtime-cost.ts";
import type { Frame, Step } from "./run.ts";
import { Failure, ListValue, MapValue, NO_SUCH_OVERLOAD, ObjectValue, Optional, Uint, type Value } from "./values.ts";

/** A step into a value: `.name`, `[index]`, and their optional forms. */
export interface Qualifier {
  readonly isOptional: boolean;
  /** `has()`: answers whether there is something, not what. */
  readonly testOnly: boolean;
  /** The key, if it is a constant, else how to find it. */
  readonly key: Value | Step;
}

/** Something that qualifiers can be added to: a variable, another expression, or one of two of these. */
export interface Attribute {
  resolve(frame: Frame): Value;
  add(qualifier: Qualifier): void;
  /** A choice is free; only what is chosen costs. */
  readonly isChoice: boolean;
}

abstract class Qualified implements Attribute {
  readonly isChoice = false;
  readonly #qualifiers: Qualifier[] = [];

  protected abstract base(frame: Frame): Value;

  add(qualifier: Qualifier): void {
    this.#qualifiers.push(qualifier);
  }

  resolve(frame: Frame): Value {
    const base = this.base(frame);
    if (base instanceof Failure) return base;
    let isOptional = base instanceof Optional;
    let value: Value = base;
    if (base instanceof Optional) {
      if (base.value === undefined) return base;
      value = base.value instanceof ListValue || base.value instanceof MapValue ? base.value.plain : base.value;
    }
    for (const qualifier of this.#qualifiers) {
      isOptional ||= qualifier.isOptional;
      const next = qualify(frame, qualifier, value, isOptional);
      if (next === undefined) return Optional.NONE;
      if (next instanceof Failure) return next;
      value = next;
    }
    return isOptional ? new Optional(value) : value;
  }
}

export class Variable extends Qualified {
  readonly #name: string;

  constructor(name: string) {
    super();
    this.#name = name;
  }

  protected override base(frame: Frame): Value {
    const value = frame.find(this.#name);
    return value === undefined ? new Failure(`no such attribute(s): ${this.#name}`) : value;
  }
}

export class Relative extends Qualified {
  readonly #operand: Step;

  constructor(operand: Step) {
    super();
    this.#operand = operand;
  }

  protected override base(frame: Frame): Value {
    return this.#operand(frame);
  }
}

export class Choice implements Attribute {
  readonly isChoice = true;
  readonly #condition: Step;
  readonly #ifTrue: Attribute;
  readonly #ifFalse: Attribute;

  constructor(condition: Step, ifTrue: Attribute, ifFalse: Attribute) {
    this.#condition = condition;
    this.#ifTrue = ifTrue;
    this.#ifFalse = ifFalse;
  }

  add(qualifier: Qualifier): void {
    this.#ifTrue.add(qualifier);
    this.#ifFalse.add(qualifier);
  }

  resolve(frame: Frame): Value {
    const condition = this.#condition(frame);
    if (condition === true) return this.#ifTrue.resolve(frame);
    if (condition === false) return this.#ifFalse.resolve(frame);
    return condition instanceof Failure ? condition : NO_SUCH_OVERLOAD;
  }
}

/** @returns undefined where there is nothing, and that may be */
function qualify(frame: Frame, { key, testOnly }: Qualifier, value: Value, isOptional: boolean): Value | undefined {
  const by = typeof key === "function" ? key(frame) : key;
  const mayMiss = isOptional || testOnly;
  const found = by instanceof Failure ? by : find(value, by, mayMiss);
  if (testOnly && !(found instanceof Failure)) {
    frame.run.spend(COST.name);
    return isOptional && found === undefined ? undefined : found !== undefined;
  }
  if (!isOptional || (found !== undefined && !(found instanceof Failure))) frame.run.spend(COST.name);
  return found;
}

function find(value: Value, key: Value, mayMiss: boolean): Value | undefined {
  if (value instanceof ListValue) return element(value, key, mayMiss);
  if (value instanceof ObjectValue) return objectField(value, key, mayMiss);
  const found = value instanceof MapValue ? value.get(key) : undefined;
  return found !== undefined || mayMiss ? found : noSuchKey(key);
}

function noSuchKey(key: Value): Failure {
  return new Failure(`no such key: ${printValue(key)}`);
}

function objectField({ fields }: ObjectValue, key: Value, mayMiss: boolean): Value | undefined {
  const name = printValue(key);
  const found = fields.get(name);
  return found !== undefined || mayMiss ? found : new Failure(`no such field '${name}'`);
}

function element(list: ListValue, key: Value, mayMiss: boolean): Value | undefined {
  const index = indexOf(key);
  if (index instanceof Failure) return index;
  if (index >= 0 && index < list.size) return list.get(index);
  return mayMiss ? undefined : new Failure(`index out of bounds: ${printValue(key)}`);
}

function indexOf(key: Value): number | Failure {
  if (typeof key === "bigint") return Number(key);
  if (key instanceof Uint) return Number(key.value);
  if (typeof key !== "number") return new Failure(`unsupported index type '${typeOfValue(key).name}' in list`);
  return Number.isInteger(key) ? key : new Failure(`unsupported index value ${printValue(key)} in list`);
}
