import { type FieldError, type FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { equalJson } from "#apimachinery/patch/json-patch.ts";
import { additionalOf, itemsOf, type JsonSchema } from "#apimachinery/structural/json-schema.ts";
import { compilePattern } from "#apimachinery/structural/pattern.ts";
import { PatternError } from "#lib/re2/syntax.ts";

type Level = "root" | "item" | "field";

const PRESERVE = "x-kubernetes-preserve-unknown-fields";
const EMBEDDED = "x-kubernetes-embedded-resource";
const INT_OR_STRING = "x-kubernetes-int-or-string";

/**
 * What keeps a schema from being looked at as a structural one at all.
 *
 * @see apiextensions-apiserver pkg/apiserver/schema/convert.go
 */
export function conversionFault(schema: JsonSchema): string | undefined {
  for (const name of ["id", "$schema", "$ref"] as const) if (schema[name]) return unsupported(name === "$schema" ? "schema" : name);
  for (const name of ["patternProperties", "dependencies"] as const) if (Object.keys(schema[name] ?? {}).length > 0) return unsupported(name);
  if (schema.additionalItems !== undefined) return unsupported("additionalItems");
  if (Object.keys(schema.definitions ?? {}).length > 0) return unsupported("definitions");
  const { not, allOf = [], anyOf = [], oneOf = [] } = schema;
  const inner = [...(not === undefined ? [] : [not]), ...allOf, ...anyOf, ...oneOf];
  const fault = firstFault(inner);
  if (fault !== undefined) return fault;
  if (schema[PRESERVE] === false) return `internal error: '${PRESERVE}' must be true or undefined`;
  if (Array.isArray(schema.items) && schema.items.length > 0) return "OpenAPIV3Schema 'items' must be a schema, but is an array";
  const items = itemsOf(schema);
  const more = additionalOf(schema);
  return firstFault([...(items === undefined ? [] : [items]), ...Object.values(schema.properties ?? {}), ...(more === undefined ? [] : [more])]);
}

const unsupported = (name: string) => `OpenAPIV3Schema '${name}' is not supported`;

function firstFault(schemas: readonly JsonSchema[]): string | undefined {
  for (const schema of schemas) {
    const fault = conversionFault(schema);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/**
 * Whether types stand only where the structure of objects is told, and all that rules look at is part of that structure.
 *
 * @param path of the schema
 * @see apiextensions-apiserver pkg/apiserver/schema/validation.go
 */
export function structuralErrors(path: FieldPath, schema: JsonSchema): FieldError[] {
  const errors = [...invariants(path, schema, "root"), ...completeness(path, schema)];
  const textOf = ({ field, text }: FieldError) => `${field}: ${text}`;
  return errors.sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
}

function invariants(path: FieldPath, schema: JsonSchema, level: Level): FieldError[] {
  const errors: FieldError[] = [];
  const items = itemsOf(schema);
  const more = schema.additionalProperties;
  if (schema.type === "array" && items === undefined) errors.push(fieldError.required(path.child("items"), "must be specified"));
  if (items !== undefined) errors.push(...invariants(path.child("items"), items, "item"));
  for (const [name, property] of Object.entries(schema.properties ?? {})) errors.push(...invariants(path.child("properties").key(name), property, "field"));
  if (more !== undefined && level === "root") errors.push(fieldError.forbidden(path.child("additionalProperties"), "must not be used at the root"));
  if (typeof more === "object") errors.push(...invariants(path.child("additionalProperties"), more, "field"));
  errors.push(...extensionErrors(path, schema));
  errors.push(...valueErrors(path, schema, isIntOrString(schema), schema.allOf?.[0] !== undefined && isIntOrString(schema.allOf[0]), level));
  errors.push(...typeErrors(path, schema, level));
  errors.push(...metadataErrors(path, schema, level));
  if (schema[EMBEDDED] === true && schema[PRESERVE] !== true && Object.keys(schema.properties ?? {}).length === 0) {
    errors.push(fieldError.required(path.child("properties"), `must not be empty if ${EMBEDDED} is true without ${PRESERVE}`));
  }
  return errors;
}

/** The one alternative of types that there may be. */
function isIntOrString({ anyOf = [] }: JsonSchema): boolean {
  return equalJson(anyOf, [{ type: "integer" }, { type: "string" }]);
}

function extensionErrors(path: FieldPath, schema: JsonSchema): FieldError[] {
  if (schema[INT_OR_STRING] !== true) return [];
  return [PRESERVE, EMBEDDED].flatMap((name) =>
    schema[name as typeof PRESERVE] === true ? [fieldError.invalid(path.child(name), true, `must be false if ${INT_OR_STRING} is true`)] : [],
  );
}

const UNTYPED: Readonly<Record<Level, string>> = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

function typeErrors(path: FieldPath, schema: JsonSchema, level: Level): FieldError[] {
  const { type = "" } = schema;
  const at = path.child("type");
  const errors: FieldError[] = [];
  if (schema[EMBEDDED] === true && type !== "object") {
    const why = `must be object if ${EMBEDDED} is true`;
    errors.push(type === "" ? fieldError.required(at, why) : fieldError.invalid(at, type, why));
  } else if (type === "" && schema[INT_OR_STRING] !== true && schema[PRESERVE] !== true) {
    errors.push(fieldError.required(at, UNTYPED[level]));
  }
  if (schema[EMBEDDED] === true && schema.additionalProperties !== undefined) {
    errors.push(fieldError.forbidden(path.child("additionalProperties"), `must not be used if ${EMBEDDED} is set`));
  }
  if (level === "root" && type !== "" && type !== "object") errors.push(fieldError.invalid(at, type, "must be object at the root"));
  return errors;
}

function metadataErrors(path: FieldPath, { properties = {}, ...schema }: JsonSchema, level: Level): FieldError[] {
  const isResource = level === "root" || schema[EMBEDDED] === true;
  const errors: FieldError[] = [];
  const own = (name: string) => (Object.hasOwn(properties, name) ? properties[name] : undefined);
  for (const name of ["kind", "apiVersion"]) {
    const found = own(name);
    if (found !== undefined && isResource && found.type !== "string") {
      errors.push(fieldError.invalid(path.child("properties").key(name).child("type"), found.type ?? "", "must be string"));
    }
  }
  const metadata = own("metadata");
  if (metadata === undefined) return errors;
  const at = path.child("properties").key("metadata");
  if (isResource && metadata.type !== "object") errors.push(fieldError.invalid(at.child("type"), metadata.type ?? "", "must be object"));
  if (level === "root" && !saysNamesOnly(metadata)) {
    errors.push(fieldError.forbidden(at, "must not specify anything other than name and generateName, but metadata is implicitly specified"));
  }
  return errors;
}

function saysNamesOnly({ type: _type, default: _default, properties = {}, ...rest }: JsonSchema): boolean {
  const names = Object.keys(properties);
  return names.every((name) => name === "name" || name === "generateName") && Object.values(rest).every((value) => value === undefined || value === false);
}

function valueErrors(path: FieldPath, schema: JsonSchema, skipAnyOf: boolean, skipFirst: boolean, level: Level): FieldError[] {
  const { anyOf = [], allOf = [], oneOf = [], not, pattern = "" } = schema;
  const errors: FieldError[] = [];
  if (!skipAnyOf) for (const [i, each] of anyOf.entries()) errors.push(...nestedErrors(path.child("anyOf").index(i), each, false, level));
  for (const [i, each] of allOf.entries()) errors.push(...nestedErrors(path.child("allOf").index(i), each, skipFirst && i === 0, level));
  for (const [i, each] of oneOf.entries()) errors.push(...nestedErrors(path.child("oneOf").index(i), each, false, level));
  if (not !== undefined) errors.push(...nestedErrors(path.child("not"), not, false, level));
  const fault = pattern === "" ? undefined : patternFault(pattern);
  if (fault !== undefined) errors.push(fieldError.invalid(path.child("pattern"), pattern, `must be a valid regular expression, but isn't: ${fault}`));
  return errors;
}

function patternFault(pattern: string): string | undefined {
  try {
    compilePattern(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
}

const EMPTY = "must be empty to be structural";
const FALSE = "must be false to be structural";
const UNDEFINED = "must be undefined to be structural";

/** What may not stand in a rule: in upstream's order. */
const FORBIDDEN: readonly (readonly [name: keyof JsonSchema, why: string])[] = [
  ["type", EMPTY],
  ["additionalProperties", UNDEFINED],
  ["default", UNDEFINED],
  ["title", EMPTY],
  ["description", EMPTY],
  ["nullable", FALSE],
  [PRESERVE, FALSE],
  [EMBEDDED, FALSE],
  [INT_OR_STRING, FALSE],
  ["x-kubernetes-list-map-keys", EMPTY],
  ["x-kubernetes-list-type", UNDEFINED],
  ["x-kubernetes-map-type", UNDEFINED],
  ["x-kubernetes-validations", EMPTY],
];

function nestedErrors(path: FieldPath, schema: JsonSchema, skipAnyOf: boolean, level: Level): FieldError[] {
  const errors = valueErrors(path, schema, skipAnyOf, false, level);
  const items = itemsOf(schema);
  if (items !== undefined) errors.push(...nestedErrors(path.child("items"), items, false, level));
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    errors.push(...nestedErrors(path.child("properties").key(name), property, false, "field"));
  }
  for (const [name, why] of FORBIDDEN) {
    const value = schema[name];
    const isSet = value !== undefined && value !== "" && value !== false && !(Array.isArray(value) && value.length === 0);
    if (isSet) errors.push(fieldError.forbidden(path.child(name), why));
  }
  if (Object.hasOwn(schema.properties ?? {}, "metadata")) {
    errors.push(fieldError.forbidden(path.child("properties").key("metadata"), "must not be specified in a nested context"));
  }
  return errors;
}

/**
 * Every field that a rule at the root names must be part of the structure.
 *
 * @see apiextensions-apiserver pkg/apiserver/schema/complete.go
 */
function completeness(path: FieldPath, schema: JsonSchema): FieldError[] {
  return ruleCompleteness(path, path, schema, schema);
}

/** @param where of the rule @param structure of the place that it is about */
function ruleCompleteness(where: FieldPath, structure: FieldPath, rule: JsonSchema, schema: JsonSchema): FieldError[] {
  const { not } = rule;
  const inner = (kind: "allOf" | "anyOf" | "oneOf") =>
    (rule[kind] ?? []).flatMap((each, i) => nestedCompleteness(where.child(kind).index(i), structure, each, schema));
  return [
    ...(not === undefined ? [] : nestedCompleteness(where.child("not"), structure, not, schema)),
    ...inner("allOf"),
    ...inner("anyOf"),
    ...inner("oneOf"),
  ];
}

function nestedCompleteness(where: FieldPath, structure: FieldPath, rule: JsonSchema, schema: JsonSchema | undefined): FieldError[] {
  if (schema === undefined) return [fieldError.required(structure, `because it is defined in ${where}`)];
  const items = itemsOf(rule);
  return [
    ...ruleCompleteness(where, structure, rule, schema),
    ...(items === undefined ? [] : nestedCompleteness(where.child("items"), structure.child("items"), items, itemsOf(schema))),
    ...Object.entries(rule.properties ?? {}).flatMap(([name, property]) =>
      nestedCompleteness(where.child("properties").key(name), structure.child("properties").key(name), property, schema.properties?.[name]),
    ),
  ];
}
