import { fieldAt } from "#apimachinery/structural/field-path.ts";
import type { RuleContext } from "#api/apiextensions-v1/rule-context.ts";
import { conversionFault } from "#api/apiextensions-v1/structural-rules.ts";
import { type FieldError, type FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { itemsOf, type JsonSchema, type ValidationRule } from "#apimachinery/structural/json-schema.ts";

const TYPES = ["array", "boolean", "integer", "number", "object", "string"];
const REASONS = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
const META: ReadonlySet<string> = new Set(["metadata", "kind", "apiVersion"]);

/** What differs with the place of a schema. */
interface Place {
  readonly isRoot: boolean;
  /** Why no default may stand here. */
  readonly noDefaults?: string;
  readonly insideMeta: boolean;
  /** Where rules are looked at whole; without it, for their form alone. */
  readonly rules?: RuleContext | undefined;
  /** The outermost part around it that cannot be told from others after an update. */
  readonly uncorrelatable?: FieldPath;
}

/**
 * What is wrong with each part of a schema, taken by itself. Rules come last.
 *
 * @param rules compiles rules, where the schema is sound enough for that
 * @see apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go, ValidateCustomResourceDefinitionOpenAPISchema
 */
export function schemaErrors(path: FieldPath, schema: JsonSchema, rules?: RuleContext): FieldError[] {
  const errors = errorsAt(path, schema, { isRoot: true, insideMeta: false, rules });
  return rules === undefined ? errors : [...errors, ...rules.errors];
}

function errorsAt(path: FieldPath, schema: JsonSchema, place: Place): FieldError[] {
  const errors = [
    ...unsupportedErrors(path, schema, place),
    ...(schema.uniqueItems === true
      ? [fieldError.forbidden(path.child("uniqueItems"), "uniqueItems cannot be set to true since the runtime complexity becomes quadratic")]
      : []),
    ...memberErrors(path, schema, { ...place, isRoot: false }, place.isRoot),
    ...alternativeErrors(path, schema, { ...place, isRoot: false }),
    ...extensionErrors(path, schema),
    ...listErrors(path, schema),
    ...keyErrors(path, schema),
    ...(schema["x-kubernetes-validations"] ?? []).flatMap((rule, i) => ruleErrors(path.child("x-kubernetes-validations").index(i), rule, schema)),
  ];
  if (errors.length === 0) place.rules?.check(path, place.uncorrelatable);
  return errors;
}

function unsupportedErrors(path: FieldPath, schema: JsonSchema, { noDefaults, insideMeta }: Place): FieldError[] {
  const { type = "" } = schema;
  const errors: FieldError[] = [];
  const refuse = (name: string, why: string) => errors.push(fieldError.forbidden(path.child(name), why));
  if (type !== "" && !TYPES.includes(type)) errors.push(fieldError.notSupported(path.child("type"), type, TYPES));
  if (schema.default !== undefined && noDefaults !== undefined) refuse("default", `must not be set ${noDefaults}`);
  if ((schema.id ?? "") !== "") refuse("id", "id is not supported");
  if (schema.additionalItems !== undefined) refuse("additionalItems", "additionalItems is not supported");
  if (Object.keys(schema.patternProperties ?? {}).length > 0) refuse("patternProperties", "patternProperties is not supported");
  if (Object.keys(schema.definitions ?? {}).length > 0) refuse("definitions", "definitions is not supported");
  if (schema.dependencies !== undefined) refuse("dependencies", "dependencies is not supported");
  if (schema.$ref !== undefined) refuse("$ref", "$ref is not supported");
  if (type === "null") refuse("type", "type cannot be set to null, use nullable as an alternative");
  if (Array.isArray(schema.items) && schema.items.length > 0) refuse("items", "items must be a schema object and not an array");
  if (insideMeta && schema["x-kubernetes-embedded-resource"] === true) refuse("x-kubernetes-embedded-resource", "must not be used inside of resource meta");
  return errors;
}

function memberErrors(path: FieldPath, schema: JsonSchema, place: Place, isRoot: boolean): FieldError[] {
  const { properties = {}, additionalProperties: more } = schema;
  const errors: FieldError[] = [];
  if (more !== undefined && more !== true && Object.keys(properties).length > 0) {
    errors.push(fieldError.forbidden(path.child("additionalProperties"), "additionalProperties and properties are mutual exclusive"));
  }
  if (typeof more === "object") {
    const inside = place.insideMeta ? { ...place, noDefaults: "inside additionalProperties applying to object metadata" } : place;
    errors.push(...errorsAt(path.child("additionalProperties"), more, { ...inside, rules: place.rules?.child(more, "additional") }));
  }
  for (const [name, property] of Object.entries(properties)) {
    const isMeta = (isRoot || schema["x-kubernetes-embedded-resource"] === true) && META.has(name);
    const inside = isMeta ? { ...place, insideMeta: true, ...(isRoot && { noDefaults: `in top-level ${name}` }) } : place;
    const rules = place.rules?.child(property, { property: name });
    const { uncorrelatable = isKnownMapType(schema) ? undefined : path } = place;
    errors.push(...errorsAt(path.child("properties").key(name), property, { ...inside, rules, ...(uncorrelatable !== undefined && { uncorrelatable }) }));
  }
  return errors;
}

function alternativeErrors(path: FieldPath, schema: JsonSchema, place: Place): FieldError[] {
  const { not, items, definitions = {}, dependencies = {} } = schema;
  const errors: FieldError[] = [];
  const inner = (at: FieldPath, each: JsonSchema, inside: Place = { ...place, rules: undefined }) => errors.push(...errorsAt(at, each, inside));
  if (not !== undefined) inner(path.child("not"), not);
  for (const kind of ["allOf", "oneOf", "anyOf"] as const) for (const [i, each] of (schema[kind] ?? []).entries()) inner(path.child(kind).index(i), each);
  for (const [name, each] of Object.entries(definitions)) inner(path.child("definitions").key(name), each);
  if (Array.isArray(items)) for (const [i, each] of (items as readonly JsonSchema[]).entries()) inner(path.child("items").index(i), each);
  else if (items !== undefined) {
    const { uncorrelatable = path } = place;
    const around = schema["x-kubernetes-list-type"] === "map" ? place : { ...place, uncorrelatable };
    inner(path.child("items"), items as JsonSchema, { ...around, rules: place.rules?.child(items as JsonSchema, "items") });
  }
  for (const [name, each] of Object.entries(dependencies)) if (!Array.isArray(each)) inner(path.child("dependencies").key(name), each as JsonSchema);
  return errors;
}

const isKnownMapType = ({ "x-kubernetes-map-type": type }: JsonSchema) => type === undefined || type === "granular" || type === "atomic";

function extensionErrors(path: FieldPath, schema: JsonSchema): FieldError[] {
  const { type = "", "x-kubernetes-map-type": mapType } = schema;
  const errors: FieldError[] = [];
  if (schema["x-kubernetes-preserve-unknown-fields"] === false) {
    errors.push(fieldError.invalid(path.child("x-kubernetes-preserve-unknown-fields"), false, "must be true or undefined"));
  }
  if (mapType !== undefined && type !== "object") errors.push(mistyped(path, type, "must be object if x-kubernetes-map-type is specified"));
  if (mapType !== undefined && mapType !== "atomic" && mapType !== "granular") {
    errors.push(fieldError.notSupported(path.child("x-kubernetes-map-type"), mapType, ["atomic", "granular"]));
  }
  return errors;
}

const mistyped = (path: FieldPath, type: string, why: string) =>
  type === "" ? fieldError.required(path.child("type"), why) : fieldError.invalid(path.child("type"), type, why);

function listErrors(path: FieldPath, schema: JsonSchema): FieldError[] {
  const { type = "", "x-kubernetes-list-type": listType } = schema;
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const at = path.child("x-kubernetes-list-type");
  const errors: FieldError[] = [];
  if (listType !== undefined && type !== "array") errors.push(mistyped(path, type, "must be array if x-kubernetes-list-type is specified"));
  else if (listType === "set") errors.push(...setItemErrors(path.child("items"), itemsOf(schema)));
  if (listType !== undefined && !["atomic", "set", "map"].includes(listType)) errors.push(fieldError.notSupported(at, listType, ["atomic", "set", "map"]));
  if (keys.length > 0 && listType !== "map") {
    const why = "must be map if x-kubernetes-list-map-keys is non-empty";
    errors.push(listType === undefined ? fieldError.required(at, why) : fieldError.invalid(at, listType, why));
  }
  if (listType === "map") errors.push(...mapItemErrors(path, schema, keys));
  return errors;
}

/** Elements of a set are compared whole. */
function setItemErrors(path: FieldPath, items: JsonSchema | undefined): FieldError[] {
  const why = "must be atomic as item of a list with x-kubernetes-list-type=set";
  const listType = items?.["x-kubernetes-list-type"];
  if (items?.type === "array" && listType !== undefined && listType !== "atomic")
    return [fieldError.invalid(path.child("x-kubernetes-list-type"), listType, why)];
  const isLoose = items?.type === "object" && items["x-kubernetes-map-type"] !== "atomic";
  return isLoose ? [fieldError.invalid(path.child("x-kubernetes-map-type"), listType ?? null, why)] : [];
}

function mapItemErrors(path: FieldPath, schema: JsonSchema, keys: readonly string[]): FieldError[] {
  const at = path.child("x-kubernetes-list-map-keys");
  const items = itemsOf(schema);
  const errors: FieldError[] = [];
  if (keys.length === 0) errors.push(fieldError.required(at, "must not be empty if x-kubernetes-list-type is map"));
  if (schema.items === undefined) errors.push(fieldError.required(path.child("items"), "must have a schema if x-kubernetes-list-type is map"));
  if (items === undefined) return errors;
  if (items.type !== "object") {
    return [
      ...errors,
      fieldError.invalid(path.child("items").child("type"), items.type ?? "", "must be object if parent array's x-kubernetes-list-type is map"),
    ];
  }
  for (const [i, key] of keys.entries()) {
    const property = items.properties?.[key];
    if (property === undefined) errors.push(fieldError.invalid(at, keys, "entries must all be names of item properties"));
    else if (property.type === "array" || property.type === "object") {
      const place = path.child("items").child("properties").key(key).child("type");
      errors.push(fieldError.invalid(place, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"));
    }
    if (keys.indexOf(key) < i) errors.push(fieldError.invalid(at, keys, "must not contain duplicate entries"));
  }
  return errors;
}

/** Keys must always be there, and elements too. */
function keyErrors(path: FieldPath, schema: JsonSchema): FieldError[] {
  const listType = schema["x-kubernetes-list-type"];
  const items = itemsOf(schema);
  if (items === undefined || (listType !== "set" && listType !== "map")) return [];
  const errors: FieldError[] = [];
  if (items.nullable === true)
    errors.push(fieldError.forbidden(path.child("items").child("nullable"), `cannot be nullable when x-kubernetes-list-type is ${listType}`));
  if (listType === "set") return errors;
  for (const key of schema["x-kubernetes-list-map-keys"] ?? []) {
    const property = items.properties?.[key];
    const at = path.child("items").child("properties").key(key);
    if (property === undefined) continue;
    if (items.required?.includes(key) !== true && property.default === undefined) {
      errors.push(
        fieldError.required(at.child("default"), "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"),
      );
    }
    if (property.nullable === true)
      errors.push(fieldError.forbidden(at.child("nullable"), "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"));
  }
  return errors;
}

/** What can be said of a rule without compiling it. */
function ruleErrors(path: FieldPath, given: ValidationRule, schema: JsonSchema): FieldError[] {
  const { rule = "", message = "", messageExpression = "", reason, fieldPath = "" } = given;
  const errors: FieldError[] = [];
  const hasBreaks = (text: string) => /[\n\r]/.test(text);
  if (rule.trim() === "") errors.push(fieldError.required(path.child("rule"), "rule is not specified"));
  else if (message !== "" && message.trim() === "") errors.push(fieldError.invalid(path.child("message"), message, "must be non-empty if specified"));
  else if (hasBreaks(message.trim())) errors.push(fieldError.invalid(path.child("message"), message, "must not contain line breaks"));
  else if (hasBreaks(rule.trim()) && message.trim() === "") {
    errors.push(fieldError.required(path.child("message"), "message must be specified if rule contains line breaks"));
  }
  if (messageExpression !== "" && messageExpression.trim() === "") {
    errors.push(fieldError.required(path.child("messageExpression"), "messageExpression must be non-empty if specified"));
  }
  if (reason !== undefined && !REASONS.includes(reason)) errors.push(fieldError.notSupported(path.child("reason"), reason, REASONS));
  const at = path.child("fieldPath");
  if (fieldPath !== "" && fieldPath.trim() === "") errors.push(fieldError.invalid(at, fieldPath, "must be non-empty if specified"));
  if (hasBreaks(fieldPath)) errors.push(fieldError.invalid(at, fieldPath, "must not contain line breaks"));
  if (fieldPath !== "" && conversionFault(schema) === undefined && "fault" in fieldAt(fieldPath, schema)) {
    errors.push(fieldError.invalid(at, fieldPath, "must be a valid path"));
  }
  return errors;
}
