import type { Call, Comprehension, Expr, Literal } from "./ast.ts";
import { type Attribute, Choice, type Qualifier, Relative, Variable } from "./attribute.ts";
import type { Checked } from "./checker.ts";
import { dispatch, type Overload } from "./declarations.ts";
import type { Environment } from "./environment.ts";
import { foldStep } from "./fold.ts";
import { printValue } from "./inspect.ts";
import { binaryStep, callStep, equalityStep, type Invocation, MATCHERS, logicStep, memberOfConstant, notStrictlyFalse, orStep } from "./call-steps.ts";
import { compilePattern } from "./pattern.ts";
import { COST } from "./runtime-cost.ts";
import type { Frame, Step } from "./run.ts";
import { CONVERSIONS } from "./standard-functions.ts";
import { ArrayList, EntryMap, Failure, ListValue, Optional, TypeValue, Uint, type Value } from "./values.ts";

/** An expression that is ready to run: a constant, an attribute that may be selected from, or another step. */
interface Plan {
  readonly step: Step;
  readonly constant?: Value;
  readonly attribute?: Attribute;
}

/** A constant part of an expression that fails whenever the expression runs. */
export class PlanFailure extends Error {}

/** Makes an expression ready to run. Its constant parts are computed here, and cost nothing when it runs. */
export function plan(checked: Checked, environment: Environment): Step {
  return new Planner(checked, environment).plan(checked.expr).step;
}

class Planner {
  readonly #checked: Checked;
  readonly #environment: Environment;

  constructor(checked: Checked, environment: Environment) {
    this.#checked = checked;
    this.#environment = environment;
  }

  plan(expr: Expr): Plan {
    const { node } = expr;
    switch (node.kind) {
      case "literal":
        return constant(literalValue(node.value));
      case "ident":
        return this.#ident(expr, node.name);
      case "select":
        return this.#qualified(node.operand, { key: node.field, isOptional: false, testOnly: node.testOnly });
      case "call":
        return this.#call(expr, node);
      case "list":
        return this.#list(node.elements, node.optional);
      case "map":
        return this.#map(expr);
      case "struct":
        return this.#struct(expr);
      case "comprehension":
        return { step: this.#comprehension(node) };
      default:
        throw new PlanFailure("unsupported expression");
    }
  }

  #ident({ id }: Expr, name: string): Plan {
    const type = this.#checked.typeNames.get(id);
    return type === undefined ? fromAttribute(new Variable(name)) : constant(new TypeValue(type));
  }

  /** The operand with one more step into it. */
  #qualified(operand: Expr, qualifier: Qualifier): Plan {
    const inner = this.plan(operand);
    const attribute = inner.attribute ?? new Relative(inner.step);
    attribute.add(qualifier);
    return qualifier.testOnly ? fromTest(attribute) : fromAttribute(attribute);
  }

  #call(expr: Expr, call: Call): Plan {
    switch (call.name) {
      case "_&&_":
        return { step: logicStep(this.#steps(call.args), false) };
      case "_||_":
        return { step: logicStep(this.#steps(call.args), true) };
      case "_?_:_":
        return this.#choice(call.args);
      case "_[_]":
      case "_[?_]":
      case "_?._":
        return this.#indexed(call);
      case "_==_":
        return { step: equalityStep(this.#steps(call.args), true) };
      case "_!=_":
        return { step: equalityStep(this.#steps(call.args), false) };
      default:
        return this.#function(expr, call);
    }
  }

  #steps(exprs: readonly Expr[]): Step[] {
    return exprs.map((each) => this.plan(each).step);
  }

  #choice(args: readonly Expr[]): Plan {
    const [condition, ifTrue, ifFalse] = args.map((arg) => this.plan(arg)) as [Plan, Plan, Plan];
    const branch = ({ attribute, step }: Plan): Attribute => attribute ?? new Relative(step);
    return fromAttribute(new Choice(condition.step, branch(ifTrue), branch(ifFalse)));
  }

  #indexed({ name, args }: Call): Plan {
    const [operand, index] = args as [Expr, Expr];
    const inner = this.plan(operand);
    const { constant: fixed, attribute, step } = this.plan(index);
    const key = fixed !== undefined ? fixed : attribute === undefined ? step : (frame: Frame): Value => attribute.resolve(frame);
    const owner = inner.attribute ?? new Relative(inner.step);
    owner.add({ key, isOptional: name !== "_[_]", testOnly: false });
    return fromAttribute(owner);
  }

  #function(expr: Expr, call: Call): Plan {
    const reference = this.#checked.calls.get(expr.id);
    if (reference === undefined) throw new PlanFailure(`no such overload: ${call.name}`);
    const { declaration, overloads } = reference;
    const plans = (call.target === undefined ? call.args : [call.target, ...call.args]).map((arg) => this.plan(arg));
    const [first, second] = plans;
    const overloadId = overloads.length === 1 ? overloads[0]!.id : "";
    if (call.name === "@not_strictly_false") return { step: notStrictlyFalse(first!.step) };
    if (isOr(call.name, overloads)) return { step: orStep(first!.step, second!.step, call.name === "orValue") };
    if (overloadId === "in_list" && second!.constant instanceof ListValue) {
      const member = memberOfConstant(first!.step, second!.constant);
      if (member !== undefined) return typeof member === "function" ? { step: member } : constant(member);
    }
    checkPattern(call.name, second?.constant);
    const invocation: Invocation = { name: call.name, overloadId, run: dispatch(declaration, overloads), args: plans.map(({ step }) => step) };
    if (CONVERSIONS.has(call.name) && plans.length === 1 && first!.constant !== undefined) return folded(invocation.run(first!.constant));
    const isDispatched = overloads.length > 1 && declaration.run === undefined;
    return { step: plans.length === 2 && !isDispatched ? binaryStep(invocation) : callStep(invocation) };
  }

  #list(elements: readonly Expr[], optional: ReadonlySet<number>): Plan {
    const plans = elements.map((element) => this.plan(element));
    if (plans.every(({ constant: fixed }) => fixed !== undefined)) return constant(new ArrayList(plans.map((each) => each.constant!)));
    const steps = plans.map(({ step }) => step);
    const step = (frame: Frame): Value => {
      const list = listOfSteps(frame, steps, optional);
      frame.run.spend(COST.list);
      return list;
    };
    return { step };
  }

  #map({ node }: Expr): Plan {
    if (node.kind !== "map") throw new PlanFailure("unsupported expression");
    const entries = node.entries.map(({ key, value, optional }) => ({ key: this.plan(key), value: this.plan(value), optional }));
    if (entries.every(({ key, value }) => key.constant !== undefined && value.constant !== undefined)) {
      return constant(EntryMap.of(entries.map(({ key, value }): [Value, Value] => [key.constant!, value.constant!])));
    }
    const step = (frame: Frame): Value => {
      const map = mapOfEntries(frame, entries);
      frame.run.spend(COST.map);
      return map;
    };
    return { step };
  }

  #struct({ node }: Expr): Plan {
    if (node.kind !== "struct") throw new PlanFailure("unsupported expression");
    const { provider } = this.#environment;
    const { typeName } = node;
    const fields = node.fields.map(({ name, value, optional }) => ({ key: constant(name), value: this.plan(value), optional }));
    const step = (frame: Frame): Value => {
      const values = entriesOf(frame, fields);
      frame.run.spend(COST.struct);
      if (values instanceof Failure) return values;
      const named = new Map(values.map(([name, value]) => [String(name), value]));
      return provider.create?.(typeName, named) ?? new Failure(`unknown type '${typeName}'`);
    };
    return { step };
  }

  #comprehension(loop: Comprehension): Step {
    return foldStep({
      iterVar: loop.iterVar,
      iterVar2: loop.iterVar2,
      accuVar: loop.accuVar,
      range: this.plan(loop.iterRange).step,
      init: this.plan(loop.accuInit).step,
      condition: this.plan(loop.loopCondition).step,
      step: this.plan(loop.loopStep).step,
      result: this.plan(loop.result).step,
    });
  }
}

function isOr(name: string, overloads: readonly Overload[]): boolean {
  const [only] = overloads;
  return overloads.length === 1 && ((name === "or" && only!.id === "optional_or_optional") || (name === "orValue" && only!.id === "optional_orValue_value"));
}

/** A constant pattern is compiled once, and must be one. */
function checkPattern(name: string, pattern: Value | undefined): void {
  if (!MATCHERS.has(name) || typeof pattern !== "string") return;
  const compiled = compilePattern(pattern);
  if (compiled instanceof Failure) throw new PlanFailure(compiled.message);
}

function constant(value: Value): Plan {
  return { step: () => value, constant: value };
}

function folded(value: Value): Plan {
  if (value instanceof Failure) throw new PlanFailure(value.message);
  return constant(value);
}

function fromAttribute(attribute: Attribute): Plan {
  if (attribute.isChoice) return { step: (frame) => attribute.resolve(frame), attribute };
  const step = (frame: Frame): Value => {
    const value = attribute.resolve(frame);
    frame.run.spend(COST.name);
    return value;
  };
  return { step, attribute };
}

/** `has()` costs no more than finding what it asks about; of a choice, as upstream counts, one unit less. */
function fromTest(attribute: Attribute): Plan {
  const step = (frame: Frame): Value => {
    const value = attribute.resolve(frame);
    if (attribute.isChoice) frame.run.spend(-COST.name);
    return value instanceof Optional ? value.value !== undefined : value;
  };
  return { step, attribute };
}

function literalValue(literal: Literal): Value {
  return typeof literal === "object" && literal !== null && "uint" in literal ? new Uint(literal.uint) : (literal as Value);
}

function listOfSteps(frame: Frame, steps: readonly Step[], optional: ReadonlySet<number>): Value {
  const items: Value[] = [];
  for (const [i, step] of steps.entries()) {
    const item = step(frame);
    if (item instanceof Failure) return item;
    if (!optional.has(i)) items.push(item);
    else if (!(item instanceof Optional)) return new Failure(`cannot initialize optional list element from non-optional value ${printValue(item)}`);
    else if (item.value !== undefined) items.push(item.value);
  }
  return new ArrayList(items);
}

interface EntryPlan {
  readonly key: Plan;
  readonly value: Plan;
  readonly optional: boolean;
}

function mapOfEntries(frame: Frame, plans: readonly EntryPlan[]): Value {
  const entries = entriesOf(frame, plans);
  return entries instanceof Failure ? entries : EntryMap.of(entries);
}

function entriesOf(frame: Frame, plans: readonly EntryPlan[]): [Value, Value][] | Failure {
  const entries: [Value, Value][] = [];
  for (const { key: keyPlan, value: valuePlan, optional } of plans) {
    const key = keyPlan.step(frame);
    if (key instanceof Failure) return key;
    const value = valuePlan.step(frame);
    if (value instanceof Failure) return value;
    if (!optional) entries.push([key, value]);
    else if (!(value instanceof Optional)) {
      return new Failure(`cannot initialize optional entry '${printValue(key)}' from non-optional value ${printValue(value)}`);
    } else if (value.value !== undefined) entries.push([key, value.value]);
  }
  return entries;
}
