import type { CompiledRule } from "#apimachinery/rules/compile-rules.ts";
import type { DeclaredType } from "#apimachinery/rules/declared-type.ts";
import { ruleEngine } from "#apimachinery/rules/load.ts";
import { type FieldError, type FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { additionalOf, itemsOf, type JsonSchema, propertyOf, type ValidationRule } from "#apimachinery/structural/json-schema.ts";

/** What one expression may cost by estimate, and what all of a schema. */
const COST_LIMIT = 10_000_000;
const TOTAL_COST_LIMIT = 100_000_000;
/** Upstream's counters end there. */
const UNBOUNDED = 2 ** 64;
const MOST_TOLD = 4;

export type Step = "items" | "additional" | { readonly property: string };

interface TypeInfo {
  readonly schema: JsonSchema;
  readonly declared: DeclaredType;
}

/** What the rules of a schema cost together, and which of them most. */
class TotalCost {
  readonly rules: FieldError[] = [];
  #total = 0;
  #mostExpensive: { readonly path: FieldPath; readonly cost: number }[] = [];

  add(path: FieldPath, cost: number): void {
    this.#total = Math.min(UNBOUNDED, this.#total + cost);
    if (cost < TOTAL_COST_LIMIT / 100) return;
    this.#mostExpensive = [...this.#mostExpensive, { path, cost }].sort((a, b) => b.cost - a.cost).slice(0, MOST_TOLD);
  }

  errors(path: FieldPath): FieldError[] {
    if (this.#total <= TOTAL_COST_LIMIT) return [];
    const why = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
    const whole = costText("x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema", this.#total, TOTAL_COST_LIMIT);
    return [...this.#mostExpensive.map((each) => fieldError.forbidden(each.path, why)), fieldError.forbidden(path, whole)];
  }
}

/**
 * Where in a schema rules stand, and what they may cost there.
 *
 * @see apiextensions-apiserver pkg/apis/apiextensions/validation/cel_validation.go
 */
export class RuleContext {
  readonly #schema: JsonSchema;
  readonly #parent: RuleContext | undefined;
  readonly #step: Step | undefined;
  /** How many such values there may be at most; undefined where nothing bounds it. */
  readonly #cardinality: number | undefined;
  readonly #hasRulesAbove: boolean;
  readonly #total: TotalCost;
  readonly #isOld: boolean;
  #typeInfo: TypeInfo | undefined;

  private constructor(schema: JsonSchema, isOld: boolean, parent: RuleContext | undefined, step: Step | undefined) {
    this.#schema = schema;
    this.#isOld = isOld;
    this.#parent = parent;
    this.#step = step;
    this.#total = parent === undefined ? new TotalCost() : parent.#total;
    this.#hasRulesAbove = parent !== undefined && (parent.#hasRulesAbove || rulesOf(parent.#schema).length > 0);
    this.#cardinality = parent === undefined ? 1 : product(parent.#cardinality, maxElements(parent.#schema));
  }

  /** @param isOld what was accepted before is not refused for what an expression costs */
  static of(schema: JsonSchema, isOld: boolean): RuleContext {
    return new RuleContext(schema, isOld, undefined, undefined);
  }

  child(schema: JsonSchema, step: Step): RuleContext {
    return new RuleContext(schema, this.#isOld, this, step);
  }

  /** Every fault that `check` has found so far, anywhere in the schema. */
  get errors(): readonly FieldError[] {
    return this.#total.rules;
  }

  totalErrors(path: FieldPath): FieldError[] {
    return this.#total.errors(path);
  }

  /** Looks at the rules that stand here. @param uncorrelatable what around them has no old value to compare with */
  check(path: FieldPath, uncorrelatable: FieldPath | undefined): void {
    const rules = rulesOf(this.#schema);
    if (rules.length === 0) return;
    const at = path.child("x-kubernetes-validations");
    const info = this.#info();
    if (info === undefined) {
      const why = "unable to convert structural schema to CEL declarations";
      this.#total.rules.push(fieldError.internal(at, `internal error: failed to construct type information for x-kubernetes-validations rules: ${why}`));
      return;
    }
    const compiled = ruleEngine().compileRules(info.schema, rules, info.declared);
    for (const [i, rule] of compiled.entries()) this.#total.rules.push(...this.#ruleErrors(at.index(i), rule, uncorrelatable));
  }

  #ruleErrors(path: FieldPath, compiled: CompiledRule, uncorrelatable: FieldPath | undefined): FieldError[] {
    const { rule, fault, messageFault, message } = compiled;
    const errors = this.#costErrors(path.child("rule"), "estimated rule cost", product(compiled.maxCost, this.#cardinality ?? compiled.maxCardinality)!);
    if (fault !== undefined) errors.push(fieldError.invalid(path.child("rule"), printedRule(rule), fault));
    const at = path.child("messageExpression");
    if (messageFault !== undefined) errors.push(fieldError.invalid(at, printedRule(rule), messageFault));
    if (message !== undefined) errors.push(...this.#costErrors(at, "estimated messageExpression cost", message.maxCost));
    if (compiled.usesOldSelf && uncorrelatable !== undefined) {
      const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable.toString()}`;
      errors.push(fieldError.invalid(path.child("rule"), rule.rule, why));
    }
    if (!compiled.usesOldSelf && rule.optionalOldSelf !== undefined) {
      errors.push(fieldError.invalid(path.child("optionalOldSelf"), rule.optionalOldSelf, "may not be set if oldSelf is not used in rule"));
    }
    return errors;
  }

  #costErrors(path: FieldPath, name: string, cost: number): FieldError[] {
    this.#total.add(path, cost);
    return cost > COST_LIMIT && !this.#isOld ? [fieldError.forbidden(path, costText(name, cost, COST_LIMIT))] : [];
  }

  /** The type as the rules around see it, where there are any: they have made it already. */
  #info(): TypeInfo | undefined {
    this.#typeInfo ??= (this.#hasRulesAbove ? this.#infoFromParent() : undefined) ?? this.#ownInfo();
    return this.#typeInfo;
  }

  #infoFromParent(): TypeInfo | undefined {
    const info = this.#parent === undefined ? undefined : this.#parent.#info();
    if (info === undefined || this.#step === undefined) return undefined;
    const { schema, declared } = info;
    const found =
      this.#step === "items"
        ? { schema: itemsOf(schema), declared: declared.elements }
        : this.#step === "additional"
          ? { schema: additionalOf(schema), declared: declared.elements }
          : propertyInfo(schema, declared, this.#step.property);
    return found.schema === undefined || found.declared === undefined ? undefined : { schema: found.schema, declared: found.declared };
  }

  #ownInfo(): TypeInfo | undefined {
    const isResource = this.#parent === undefined || this.#schema["x-kubernetes-embedded-resource"] === true;
    const declared = ruleEngine().declaredType(this.#schema, isResource);
    return declared === undefined ? undefined : { schema: this.#schema, declared };
  }
}

const rulesOf = (schema: JsonSchema) => schema["x-kubernetes-validations"] ?? [];

function propertyInfo(schema: JsonSchema, { fields }: DeclaredType, name: string): Partial<TypeInfo> {
  const field = ruleEngine().escapeName(name);
  const [own, declared] = [propertyOf(schema, name), field === undefined ? undefined : fields?.get(field)];
  return own === undefined || declared === undefined ? {} : { schema: own, declared };
}

/** How many values of its parts a schema makes of one; undefined where nothing bounds it. */
function maxElements({ type, additionalProperties, maxProperties, maxItems }: JsonSchema): number | undefined {
  const isMap = type === "object" && additionalProperties !== undefined;
  if (!isMap && type !== "array") return 1;
  const bound = isMap ? maxProperties : maxItems;
  return bound === undefined ? undefined : Math.max(0, bound);
}

function product(a: number | undefined, b: number | undefined): number | undefined {
  if (a === 0 && b !== undefined) return 0;
  return a === undefined || b === undefined ? undefined : Math.min(UNBOUNDED, a * b);
}

function costText(name: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const told = factor > 100 ? "more than 100x" : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  const advice = "try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared";
  return `${name} exceeds budget by factor of ${told} (${advice})`;
}

/** A rule as upstream's errors print it. */
function printedRule({ rule, message = "", messageExpression = "", reason, fieldPath = "", optionalOldSelf }: ValidationRule): unknown {
  return {
    Rule: rule,
    Message: message,
    MessageExpression: messageExpression,
    Reason: reason ?? null,
    FieldPath: fieldPath,
    OptionalOldSelf: optionalOldSelf ?? null,
  };
}
