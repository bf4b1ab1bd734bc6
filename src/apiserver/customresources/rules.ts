import type { Checked } from "#api/strategy.ts";
import { type FieldError, FieldPath, fieldError } from "#apimachinery/field-error.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { hasRules } from "#apimachinery/rules/has-rules.ts";
import { loadRuleEngine, ruleEngine } from "#apimachinery/rules/load.ts";
import type { RuleNode } from "#apimachinery/rules/rule-tree.ts";
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

/** The rules of one version of a custom resource: compiled when the first object comes. */
export class CustomRules {
  readonly #schema: JsonSchema;
  readonly #isEmpty: boolean;
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
   * @param old the object before an update
   */
  errors(object: KubeObject, found: readonly FieldError[], checked: Checked | undefined, old?: KubeObject): FieldError[] {
    if (this.#isEmpty) return [];
    if ([...found, ...(checked?.metadataErrors ?? [])].some(({ type }) => BLOCKING.has(type))) return [NOT_CHECKED];
    const { ruleTree, validateRules, Correlation } = ruleEngine();
    this.#tree ??= ruleTree(this.#schema, true);
    if (this.#tree === undefined) return [];
    const correlation = old === undefined ? undefined : new Correlation(object, old, this.#schema);
    const { errors, warnings } = validateRules(ROOT, this.#tree, { value: object, old, correlation }, COST_BUDGET);
    for (const { field, text } of warnings) checked?.warn(`${field}: ${text}`);
    return [...errors];
  }
}
