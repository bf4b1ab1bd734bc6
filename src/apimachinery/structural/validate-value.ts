import { isObject, type JsonObject } from "#apimachinery/decode/own.ts";
import { type FieldError, type FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { equalJson } from "#apimachinery/patch/json-patch.ts";

import type { Correlation } from "./correlation.ts";
import { formatCheck } from "./formats.ts";
import { additionalOf, itemsOf, type JsonSchema } from "./json-schema.ts";
import { checkNumber } from "./number-rules.ts";
import { compilePattern } from "./pattern.ts";
import { Findings, type Fault, faults, sorted } from "./findings.ts";

/**
 * What a schema says against a value, in upstream's order and words.
 *
 * @param earlier what the value was before an update: what is wrong with parts that did not change is let pass
 * @see kube-openapi pkg/validation/validate; apiextensions-apiserver pkg/apiserver/validation
 */
export function validateValue(path: FieldPath, value: unknown, schema: JsonSchema, earlier?: Correlation): FieldError[] {
  const found = checkPart(schema, value, "", earlier);
  return found.faults.map((fault) => toFieldError(path, fault));
}

function toFieldError(path: FieldPath, fault: Fault): FieldError {
  if (fault.kind === "plain") return fieldError.invalid(path, "", fault.message);
  const name = fault.name.startsWith(".") ? fault.name.slice(1) : fault.name;
  const at = name === "" ? path : path.child(name);
  switch (fault.kind) {
    case "required":
      return fieldError.required(at);
    case "enum":
      return fieldError.notSupported(at, sorted(fault.value), fault.values);
    case "tooLong":
      return fieldError.tooLong(at, fault.max);
    case "tooMany":
      return fieldError.tooMany(at, fault.count, fault.max);
    case "type":
      return fieldError.typeInvalid(at, fault.value, fault.message);
    case "invalid":
      return fieldError.invalid(at, fault.value ?? "", fault.message);
  }
}

/** All rules of one schema on one value. What matched is counted: of several alternatives, the best one explains itself. */
function check(schema: JsonSchema, value: unknown, path: string, earlier: Correlation | undefined): Findings {
  const found = new Findings();
  if (value === null || value === undefined) {
    found.merge(checkType(schema, null, path));
    return found.merge(checkEnum(schema, value, path));
  }
  const apply = (result: Findings | undefined) => void found.merge(result).count();
  if (typesOf(schema).length > 0 || formatOf(schema) !== "") apply(checkType(schema, value, path));
  apply(checkAlternatives(schema, value, path));
  if (typeof value === "string") {
    apply(checkText(schema, value, path));
    if (formatCheck(formatOf(schema)) !== undefined) apply(checkFormat(schema, value, path));
  }
  if (typeof value === "number" || typeof value === "bigint") apply(checkNumber(schema, value, path));
  if (Array.isArray(value)) apply(checkList(schema, value, path, earlier));
  apply(checkEnum(schema, value, path));
  if (isObject(value)) apply(checkObject(schema, value, path, earlier));
  return found.count();
}

/** A part that is what it was is let pass. */
function checkPart(schema: JsonSchema, value: unknown, path: string, earlier: Correlation | undefined): Findings {
  const found = check(schema, value, path, earlier);
  return !found.valid && earlier?.isSame() === true ? new Findings() : found;
}

function typesOf(schema: JsonSchema): readonly string[] {
  if (schema["x-kubernetes-int-or-string"] === true) return ["integer", "string"];
  return schema.type === undefined || schema.type === "" ? [] : [schema.type];
}

/** Formats that nobody checks are as if they were not there. */
function formatOf({ format = "" }: JsonSchema): string {
  return formatCheck(format) !== undefined ? format : "";
}

function checkType(schema: JsonSchema, value: unknown, path: string): Findings {
  const found = new Findings();
  const types = typesOf(schema);
  const format = formatOf(schema);
  const refuse = (wanted: string, got: string) => new Findings([faults.type(path, wanted, got)]);
  if (value === null) return types.length > 0 && !types.includes("null") && schema.nullable !== true ? refuse(types.join(","), "null") : found.count();
  const type = jsonType(value);
  const fits = types.includes(type) || (type === "integer" && types.includes("number"));
  const isText = typeof value === "string" || Array.isArray(value);
  if (!isText && format !== "" && !fits) return refuse(format, type === "integer" ? "int64" : type === "number" ? "float64" : "");
  if (isText && format !== "" && !types.includes("number") && !types.includes("integer")) return found.count();
  return fits || types.length === 0 ? found.count() : refuse(types.join(","), type);
}

const MAX_INT64 = 2 ** 63;

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) && Math.abs(value) < MAX_INT64 ? "integer" : "number";
  return typeof value === "bigint" ? "integer" : typeof value;
}

/** Of the whole object: both are brought to one kind and version before anybody compares them. */
const isTypeMember = (path: string, name: string) => path === "" && (name === "kind" || name === "apiVersion");

/** Within them nothing is let pass. */
function checkAlternatives(schema: JsonSchema, value: unknown, path: string): Findings {
  const { anyOf = [], oneOf = [], allOf = [], not } = schema;
  const found = new Findings();
  if (anyOf.length > 0) {
    const { best, first } = attempts(anyOf, value, path, true);
    if (first === undefined) found.add(faults.plain(`"${path}" must validate at least one schema (anyOf)`));
    found.merge(first ?? best);
  }
  if (oneOf.length > 0) {
    const { best, first, valid } = attempts(oneOf, value, path, false);
    const why = valid === 0 ? "Found none valid" : `Found ${valid} valid alternatives`;
    if (valid !== 1) found.add(faults.plain(`"${path}" must validate one and only one schema (oneOf). ${why}`));
    found.merge(valid === 0 ? best : valid === 1 ? first : undefined);
  }
  if (allOf.length > 0) {
    const results = allOf.map((each) => check(each, value, path, undefined));
    const valid = results.filter((result) => result.valid).length;
    for (const result of results) found.merge(result);
    if (valid !== results.length) found.add(faults.plain(`"${path}" must validate all the schemas (allOf)${valid === 0 ? ". None validated" : ""}`));
  }
  if (not !== undefined && check(not, value, path, undefined).valid) found.add(faults.plain(`"${path}" must not validate the schema (not)`));
  return found.count();
}

function attempts(schemas: readonly JsonSchema[], value: unknown, path: string, untilValid: boolean) {
  let best: Findings | undefined;
  let first: Findings | undefined;
  let valid = 0;
  for (const schema of schemas) {
    const result = check(schema, value, path, undefined);
    if (result.valid) {
      valid++;
      first ??= result;
      if (untilValid) break;
    } else if (best === undefined || result.matches > best.matches) best = result;
  }
  return { best, first, valid };
}

function checkText({ maxLength, minLength, pattern }: JsonSchema, value: string, path: string): Findings | undefined {
  const refuse = (fault: Fault) => new Findings([fault]);
  const length = maxLength === undefined && minLength === undefined ? 0 : [...value].length;
  if (maxLength !== undefined && length > maxLength) return refuse(faults.tooLong(path, maxLength));
  if (minLength !== undefined && length < minLength) return refuse(faults.invalid(path, value, `should be at least ${minLength} chars long`));
  if (pattern !== undefined && pattern !== "" && !compilePattern(pattern).test(value)) return refuse(faults.invalid(path, value, `should match '${pattern}'`));
  return undefined;
}

function checkFormat(schema: JsonSchema, value: string, path: string): Findings | undefined {
  const format = formatOf(schema);
  return formatCheck(format)!(value) ? undefined : new Findings([faults.type(path, format, value)]);
}

function checkList(schema: JsonSchema, value: readonly unknown[], path: string, earlier: Correlation | undefined): Findings {
  const found = new Findings();
  const items = itemsOf(schema);
  if (items !== undefined) {
    value.forEach((item, i) => found.merge(checkPart(items, item, `${path}[${i}]`, earlier?.item(i))));
  }
  const { minItems, maxItems } = schema;
  if (minItems !== undefined && value.length < minItems) found.add(faults.invalid(path, value.length, `should have at least ${minItems} items`));
  if (maxItems !== undefined && value.length > maxItems) found.add(faults.tooMany(path, value.length, maxItems));
  return found.count();
}

function checkEnum({ enum: values = [] }: JsonSchema, value: unknown, path: string): Findings | undefined {
  if (values.length === 0) return undefined;
  const given = typeof value === "bigint" ? Number(value) : value;
  if (given !== null && given !== undefined && values.some((each) => equalJson(each, given) || isTruncated(each, given))) return undefined;
  const told = values.map((each) => (typeof each === "string" ? each : JSON.stringify(sorted(each))));
  return new Findings([faults.enum(path, value ?? null, told)]);
}

/** Upstream turns the value into the type of what it is compared with: of 1.5, an integer keeps 1. */
const isTruncated = (each: unknown, value: unknown) => Number.isInteger(each) && typeof value === "number" && Math.trunc(value) === each;

function checkObject(schema: JsonSchema, value: JsonObject, path: string, earlier: Correlation | undefined): Findings {
  const found = new Findings();
  const names = Object.keys(value);
  const { minProperties, maxProperties, properties = {}, additionalProperties: more, required = [] } = schema;
  if (minProperties !== undefined && names.length < minProperties) {
    found.add(faults.invalid(path, names.length, `should have at least ${minProperties} properties`));
  }
  if (maxProperties !== undefined && names.length > maxProperties) found.add(faults.tooMany(path, names.length, maxProperties));
  const others = names.filter((name) => !Object.hasOwn(properties, name));
  if (more === false) for (const name of others) found.add(faults.forbidden(path, name));
  const rest = additionalOf(schema);
  const part = (inner: JsonSchema, name: string, at: string) =>
    found.merge(checkPart(inner, value[name], at, isTypeMember(path, name) ? undefined : earlier?.member(name)));
  if (rest !== undefined) for (const name of others) part(rest, name, `${path}.${name}`);
  for (const [name, property] of Object.entries(properties)) {
    if (Object.hasOwn(value, name)) part(property, name, path === "" ? name : `${path}.${name}`);
  }
  for (const name of required) if (!Object.hasOwn(value, name)) found.add(faults.required(`${path}.${name}`));
  return found;
}
