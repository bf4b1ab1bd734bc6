import { additionalOf, itemsOf, type JsonSchema, propertyOf } from "#apimachinery/structural/json-schema.ts";

import { type CompiledRule, compileRules } from "./compile-rules.ts";
import { type DeclaredType, declaredType } from "./declared-type.ts";
import { escapeName } from "./escape.ts";
import { hasRules } from "./has-rules.ts";

/** The rules of a schema, and of all within it; what has none is left out. */
export interface RuleNode {
  readonly schema: JsonSchema;
  /** Whether its values are whole objects. */
  readonly isResource: boolean;
  readonly rules: readonly CompiledRule[];
  /** Rules that no value can be held against. */
  readonly isBlind: boolean;
  readonly items?: RuleNode;
  readonly additional?: RuleNode;
  readonly properties?: ReadonlyMap<string, RuleNode>;
}

const rulesOf = (schema: JsonSchema) => schema["x-kubernetes-validations"] ?? [];
const isEmbedded = (schema: JsonSchema) => schema["x-kubernetes-embedded-resource"] === true;

/**
 * All rules of a schema, compiled.
 *
 * @param isResource whether the schema is that of whole objects
 */
export function ruleTree(schema: JsonSchema, isResource: boolean): RuleNode | undefined {
  return hasRules(schema) ? nodeOf(schema, isResource, declaredType(schema, isResource)) : undefined;
}

function nodeOf(schema: JsonSchema, isResource: boolean, declared: DeclaredType | undefined): RuleNode | undefined {
  const [items, additional] = [itemsOf(schema), additionalOf(schema)].map((each) =>
    each === undefined ? undefined : nodeOf(each, isEmbedded(each), declared?.elements),
  );
  const properties = new Map<string, RuleNode>();
  for (const name of Object.keys(schema.properties ?? {})) {
    const node = propertyNode(propertyOf(schema, name)!, name, declared);
    if (node !== undefined) properties.set(name, node);
  }
  const rules = rulesOf(schema);
  if (rules.length === 0 && items === undefined && additional === undefined && properties.size === 0) return undefined;
  return {
    schema,
    isResource,
    rules: declared === undefined ? [] : compileRules(schema, rules, declared),
    isBlind: declared === undefined && rules.length > 0,
    ...(items !== undefined && { items }),
    ...(additional !== undefined && { additional }),
    ...(properties.size > 0 && { properties }),
  };
}

/** What expressions may not look at has no rules either, but for names that they cannot speak of. */
function propertyNode(property: JsonSchema, name: string, declared: DeclaredType | undefined): RuleNode | undefined {
  const field = escapeName(name);
  const type = field === undefined ? declaredType(property, isEmbedded(property)) : declared?.fields?.get(field);
  return type === undefined ? undefined : nodeOf(property, isEmbedded(property), type);
}
