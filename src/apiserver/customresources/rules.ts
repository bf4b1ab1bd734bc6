import type { Checked } from "#api/strategy.ts";
import { type FieldError, FieldPath, fieldError } from "#apimachinery/field-error.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { hasRules } from "#apimachinery/rules/has-rules.ts";
import { loadRuleEngine, ruleEngine } from "#apimachinery/rules/load.ts";
import type { RuleNode } from "#apimachinery/rules/rule-tree.ts";
import type { Correlation } from "#apimachinery/structural/correlation.ts";
import type { JsonSchema } from "#apimachinery/structural/json-schema.ts";

/** What all rules together may cost for one object. */
const COST_BUDGET = 10_000_000;

const ROOT = new FieldPath();
/** What may keep rules from being evaluated. */
const BLOCKING: ReadonlySet<string> = new Set([
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
]);
const NOT_CHECKED = fieldError.invalid(
  ROOT,
  null,
  "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
);

interface Before {
  readonly old: KubeObject;
  readonly correlation: Correlation;
}

/** The rules of one version of a custom resource: compiled when the first object comes. */
export class CustomRules {
  readonly #schema: JsonSchema;
  #isEmpty: boolean;
  #tree: RuleNode | undefined;

  constructor(schema: JsonSchema) {
    this.#schema = schema;
    this.#isEmpty = !hasRules(schema);
  }

  load(): Promise<unknown> | undefined {
    return this.#isEmpty ? undefined : loadRuleEngine();
  }

  /**
   * @param found what is wrong otherwise: rules are for objects of the right form
   * @param before the object before an update
   */
  errors(object: KubeObject, found: readonly FieldError[], checked: Checked | undefined, before?: Before): FieldError[] {
    if (this.#isEmpty) return [];
    const { ruleTree, validateRules } = ruleEngine();
    this.#tree ??= ruleTree(this.#schema, true);
    if (this.#tree === undefined) {
      this.#isEmpty = true; // expressions may look at none of what they are about
      return [];
    }
    if ([...found, ...(checked?.metadataErrors ?? [])].some(({ type }) => BLOCKING.has(type))) return [NOT_CHECKED];
    const { errors, warnings } = validateRules(ROOT, this.#tree, { value: object, ...before }, COST_BUDGET);
    for (const { field, text } of warnings) checked?.warn(`${field}: ${text}`);
    return [...errors];
  }
}
