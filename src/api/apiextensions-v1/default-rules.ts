import { typeSchema } from "#api/schema/table.ts";
import { type FieldError, FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { equalJson } from "#apimachinery/patch/json-patch.ts";
import { coerceEmbedded, CoercionError, validateEmbedded } from "#apimachinery/structural/embedded.ts";
import { hasRules } from "#apimachinery/rules/has-rules.ts";
import { ruleEngine } from "#apimachinery/rules/load.ts";
import { sorted } from "#apimachinery/structural/findings.ts";
import { additionalOf, itemsOf, type JsonSchema } from "#apimachinery/structural/json-schema.ts";
import { prune } from "#apimachinery/structural/prune.ts";
import { validateValue } from "#apimachinery/structural/validate-value.ts";

/** What the rules of all defaults of a schema may cost together. */
const COST_BUDGET = 10_000_000;
const UNKNOWN_FIELDS = "must not have unknown fields";
const EMBEDDED = "x-kubernetes-embedded-resource";
const TYPE = { apiVersion: "validation/v1", kind: "Validation" };
const META: ReadonlySet<string> = new Set(["metadata", "apiVersion", "kind"]);

/** Puts a value into the object around it, as far as the object is made up for a check. */
type Surround = (value: unknown) => Record<string, unknown>;

interface Place {
  readonly root: JsonSchema;
  readonly surround: Surround;
  readonly insideMeta: boolean;
}

/**
 * Defaults must be what their own schema allows, and say nothing that it does not know.
 *
 * @see apiextensions-apiserver pkg/apiserver/schema/defaulting/validation.go
 */
export function defaultErrors(path: FieldPath, schema: JsonSchema): FieldError[] {
  return errorsAt(path, { ...schema, [EMBEDDED]: true }, undefined, { left: COST_BUDGET });
}

/** What the rules of all defaults may still cost; below zero nothing is looked at any more. */
interface Budget {
  left: number;
}

const wholeObject: Surround = (value) => ({ ...TYPE, ...(value as object) });

function errorsAt(path: FieldPath, schema: JsonSchema, outer: Place | undefined, budget: Budget): FieldError[] {
  const place: Place = outer === undefined || schema[EMBEDDED] === true ? { root: schema, surround: wholeObject, insideMeta: false } : outer;
  const errors: FieldError[] = [];
  if ((schema.default ?? null) !== null) {
    errors.push(...(place.insideMeta ? metaErrors(path, schema, place) : valueErrors(path, schema)));
    // What its own schema refuses is not held against rules; a field too many is no reason.
    if (errors.every(({ text }) => text.endsWith(UNKNOWN_FIELDS))) errors.push(...ruleErrors(path.child("default"), schema, place.root === schema, budget));
  }
  const items = itemsOf(schema);
  if (items !== undefined && budget.left >= 0) {
    errors.push(...errorsAt(path.child("items"), items, { ...place, surround: (value) => place.surround([value]) }, budget));
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (budget.left < 0) break;
    const inside = {
      root: place.root,
      surround: (value: unknown) => place.surround({ [name]: value }),
      insideMeta: place.insideMeta || (schema[EMBEDDED] === true && META.has(name)),
    };
    errors.push(...errorsAt(path.child("properties").key(name), property, inside, budget));
  }
  return errors;
}

/** A default must pass as one that nothing changed, and as one that is new. */
function ruleErrors(path: FieldPath, schema: JsonSchema, isResource: boolean, budget: Budget): FieldError[] {
  if (!hasRules(schema)) return [];
  const { ruleTree, validateRules } = ruleEngine();
  const tree = ruleTree(schema, isResource);
  if (tree === undefined) return [];
  const value = schema.default;
  const kept = validateRules(path, tree, { value, old: value }, budget.left);
  if (kept.errors.length > 0) {
    budget.left = kept.budget;
    return [...kept.errors];
  }
  const made = validateRules(path, tree, { value }, budget.left);
  budget.left = Math.min(kept.budget, made.budget);
  return [...made.errors];
}

/** A default within kind, version or metadata is looked at as part of an object. */
function metaErrors(path: FieldPath, schema: JsonSchema, { root, surround }: Place): FieldError[] {
  const at = path.child("default");
  const object = surround(structuredClone(schema.default));
  const nowhere = new FieldPath();
  try {
    coerceEmbedded(nowhere, object, root, { metadata: typeSchema("meta/v1.ObjectMeta") });
  } catch (error) {
    if (!(error instanceof CoercionError)) throw error;
    return [fieldError.invalid(at, sorted(schema.default), `must result in valid metadata: ${error.message}`)];
  }
  const errors = validateEmbedded(nowhere, object, root, true);
  if (errors.length > 0) {
    const told = [...new Set(errors.map(({ field, text }) => `${field}: ${text}`))];
    return [fieldError.invalid(at, sorted(schema.default), `must result in valid metadata: ${told.length === 1 ? told[0] : `[${told.join(", ")}]`}`)];
  }
  return validateValue(at, schema.default, looseSchema(schema));
}

function valueErrors(path: FieldPath, schema: JsonSchema): FieldError[] {
  const at = path.child("default");
  const isResource = schema[EMBEDDED] === true;
  const pruned = structuredClone(schema.default);
  prune(pruned, schema, isResource);
  const unknown = equalJson(pruned, schema.default) ? [] : [fieldError.invalid(at, sorted(schema.default), UNKNOWN_FIELDS)];
  try {
    coerceEmbedded(at, structuredClone(schema.default), schema, { metadata: typeSchema("meta/v1.ObjectMeta") });
  } catch (error) {
    if (!(error instanceof CoercionError)) throw error;
    return [...unknown, error.fieldError];
  }
  const embedded = validateEmbedded(at, schema.default, schema);
  return [...unknown, ...(embedded.length > 0 ? embedded : validateValue(at, schema.default, looseSchema(schema)))];
}

/** The schema as upstream holds defaults against it: what is to be an integer or a string may be anything. */
function looseSchema({ "x-kubernetes-int-or-string": _either, ...schema }: JsonSchema): JsonSchema {
  const { properties } = schema;
  const items = itemsOf(schema);
  const more = additionalOf(schema);
  return {
    ...schema,
    ...(items !== undefined && { items: looseSchema(items) }),
    ...(more !== undefined && { additionalProperties: looseSchema(more) }),
    ...(properties !== undefined && { properties: Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, looseSchema(each)])) }),
  };
}
