import { isObject } from "#apimachinery/decode/own.ts";
import { MAX_MESSAGE_BYTES, PER_CALL_LIMIT } from "#apimachinery/cel/environment.ts";
import { type FieldError, type FieldPath, fieldError, goQuoted, UNTOLD } from "#apimachinery/field-error.ts";
import { type Correlation, KeyedItems } from "#apimachinery/structural/correlation.ts";
import type { ValidationRule } from "#apimachinery/structural/json-schema.ts";
import type { Activation } from "#lib/cel/compile.ts";
import { Failure, Optional } from "#lib/cel/values.ts";

import type { CompiledRule } from "./compile-rules.ts";
import type { RuleNode } from "./rule-tree.ts";
import { withTypeMeta } from "./type-meta.ts";
import { typedValue } from "./typed-value.ts";

export interface Subject {
  readonly value: unknown;
  /** The value before an update; rules that speak of it are left out where there is none. */
  readonly old?: unknown;
  /** What did not change since then is let pass. */
  readonly correlation?: Correlation | undefined;
}

export interface RuleResult {
  readonly errors: readonly FieldError[];
  /** What is let pass, though a rule does not hold. */
  readonly warnings: readonly FieldError[];
  /** What is left of the budget; below zero where it ended the check. */
  readonly budget: number;
}

/**
 * Holds a value against the rules of its schema.
 *
 * @param budget units of cost for all rules together
 * @see apiextensions-apiserver pkg/apiserver/schema/cel/validation.go
 */
export function validateRules(path: FieldPath, node: RuleNode, subject: Subject, budget: number): RuleResult {
  const check = new RuleCheck(budget);
  check.visit(path, node, subject.value, { old: subject.old, own: subject.correlation, nearest: undefined });
  return check;
}

/** What is known of the value before: itself, and what can be compared. */
interface Before {
  readonly old: unknown;
  readonly own: Correlation | undefined;
  /** The nearest part around it that can be told from others. */
  readonly nearest: Correlation | undefined;
}

const OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run";

class RuleCheck implements RuleResult {
  readonly errors: FieldError[] = [];
  readonly warnings: FieldError[] = [];
  budget: number;

  constructor(budget: number) {
    this.budget = budget;
  }

  visit(path: FieldPath, node: RuleNode, value: unknown, before: Before): void {
    if (value === null || value === undefined) return;
    this.#applyRules(path, node, value, before);
    if (this.budget < 0) return;
    if (Array.isArray(value)) this.#visitItems(path, node, value, before);
    else if (isObject(value)) this.#visitMembers(path, node, value, before);
  }

  #visitItems(path: FieldPath, { schema, items }: RuleNode, value: readonly unknown[], { old, own, nearest }: Before): void {
    if (items === undefined) return;
    const known = new KeyedItems(schema, Array.isArray(old) ? old : []);
    for (const [i, item] of value.entries()) {
      const correlated = own === undefined ? { own, nearest } : { own: own.item(i), nearest: own };
      this.visit(path.index(i), items, item, { old: known.like(item), ...correlated });
      if (this.budget < 0) return;
    }
  }

  #visitMembers(path: FieldPath, { additional, properties }: RuleNode, value: Record<string, unknown>, before: Before): void {
    for (const name of Object.keys(value)) {
      const property = properties?.get(name);
      if (additional !== undefined) this.visit(path.key(name), additional, value[name], memberBefore(before, name));
      else if (property !== undefined) this.visit(path.child(name), property, value[name], memberBefore(before, name));
      if (this.budget < 0) return;
    }
  }

  #applyRules(path: FieldPath, node: RuleNode, value: unknown, before: Before): void {
    const { schema, rules } = node;
    if (node.isBlind) this.#refuse(path, node, "rule compiler initialization error: failed to convert to declType for CEL validation rules");
    if (rules.length === 0) return;
    if (this.budget <= 0) return this.#end(path, node, OUT_OF_BUDGET);
    const whole = node.isResource ? withTypeMeta(schema) : schema;
    const old = before.old ?? undefined;
    const self = typedValue(value, whole);
    const oldSelf = old === undefined || !rules.some(({ usesOldSelf }) => usesOldSelf) ? undefined : typedValue(old, whole);
    const names = rules.some(({ usesOldSelf }) => usesOldSelf);
    const plain: Activation = oldSelf === undefined ? { self } : { self, oldSelf };
    const optional: Activation = names ? { self, oldSelf: oldSelf === undefined ? Optional.NONE : new Optional(oldSelf) } : plain;
    for (const rule of rules) {
      const isOptional = rule.rule.optionalOldSelf === true;
      if (rule.usesOldSelf && old === undefined && !isOptional && rule.fault === undefined) continue;
      this.#applyRule(path, node, rule, value, before, isOptional ? optional : plain);
      if (this.budget < 0) return;
    }
  }

  #applyRule(path: FieldPath, node: RuleNode, compiled: CompiledRule, value: unknown, before: Before, variables: Activation): void {
    const { rule, program, fault } = compiled;
    if (fault !== undefined) return this.#refuse(path, node, `rule compile error: ${fault}`);
    if (program === undefined) return;
    const result = program.evaluate(variables, { budget: PER_CALL_LIMIT });
    if (result.cost > this.budget) return this.#end(path, node, OUT_OF_BUDGET);
    this.budget -= result.cost;
    if (result.value === true) return;
    if (result.value instanceof Failure) return this.#fail(path, node, rule, result.value.message, result.exceeded);
    const at = compiled.fieldPath === "" ? path : path.child(compiled.fieldPath);
    const { text, fatal } = this.#messageOf(compiled, variables);
    const isScalar = node.schema.type !== "object" && node.schema.type !== "array";
    const error = fatal ? fieldError.invalid(at, node.schema.type ?? "", text) : errorFor(rule.reason, at, isScalar ? value : UNTOLD, text);
    const isLetPass = !compiled.usesOldSelf && (before.own ?? before.nearest)?.isSame() === true;
    (isLetPass ? this.warnings : this.errors).push(error);
    if (fatal) this.budget = -1;
  }

  #fail(path: FieldPath, node: RuleNode, rule: ValidationRule, why: string, exceeded: boolean): void {
    const name = ruleName(rule);
    if (exceeded) return this.#end(path, node, `'${why}': no further validation rules will be run due to call cost exceeds limit for rule: ${name}`);
    if (!why.startsWith("no such overload")) return this.#refuse(path, node, `${why} evaluating rule: ${name}`);
    this.#refuse(path, node, `'${why}': call arguments did not match a supported operator, function or macro signature for rule: ${name}`);
  }

  /** What the rule itself says where its expression for that says nothing of use. */
  #messageOf({ rule, message }: CompiledRule, variables: Activation): { readonly text: string; readonly fatal: boolean } {
    const usual = { text: (rule.message ?? "") === "" ? `failed rule: ${ruleName(rule)}` : rule.message!.trim(), fatal: false };
    if (message === undefined) return usual;
    const { value, cost, exceeded } = message.program.evaluate(variables, { budget: PER_CALL_LIMIT });
    if (cost > this.budget) return { text: MESSAGE_OUT_OF_BUDGET, fatal: true };
    if (exceeded) {
      const source = goQuoted(rule.messageExpression ?? "");
      return { text: `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${source}`, fatal: true };
    }
    this.budget -= cost;
    const text = typeof value === "string" ? value.trim() : "";
    return text === "" || text.includes("\n") || Buffer.byteLength(text) > MAX_MESSAGE_BYTES ? usual : { text, fatal: false };
  }

  #refuse(path: FieldPath, { schema }: RuleNode, why: string): void {
    this.errors.push(fieldError.invalid(path, schema.type ?? "", why));
  }

  #end(path: FieldPath, node: RuleNode, why: string): void {
    this.#refuse(path, node, why);
    this.budget = -1;
  }
}

const MESSAGE_OUT_OF_BUDGET = "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run";

const ruleName = ({ rule, message = "" }: ValidationRule) => (message === "" ? rule : message).trim();

function memberBefore({ old, own, nearest }: Before, name: string): Before {
  const value = isObject(old) && Object.hasOwn(old, name) ? old[name] : undefined;
  if (own === undefined) return { old: value, own, nearest };
  // Both are brought to one kind and version before anybody compares them.
  if (nearest === undefined && (name === "apiVersion" || name === "kind")) return { old: value, own: undefined, nearest: undefined };
  return { old: value, own: own.member(name), nearest: own };
}

function errorFor(reason: string | undefined, path: FieldPath, value: unknown, detail: string): FieldError {
  switch (reason) {
    case "FieldValueForbidden":
      return fieldError.forbidden(path, detail);
    case "FieldValueRequired":
      return fieldError.required(path, detail);
    case "FieldValueDuplicate":
      return fieldError.duplicate(path, value);
    default:
      return fieldError.invalid(path, value, detail);
  }
}
