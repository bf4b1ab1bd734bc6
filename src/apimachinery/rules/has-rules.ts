import { additionalOf, itemsOf, type JsonSchema } from "#apimachinery/structural/json-schema.ts";

/** Whether there are rules in the structure of a schema. */
export function hasRules(schema: JsonSchema): boolean {
  const [items, more] = [itemsOf(schema), additionalOf(schema)];
  return (
    (schema["x-kubernetes-validations"]?.length ?? 0) > 0 ||
    (items !== undefined && hasRules(items)) ||
    (more !== undefined && hasRules(more)) ||
    Object.values(schema.properties ?? {}).some(hasRules)
  );
}
