import { type JsonObject, isObject } from "#apimachinery/decode/own.ts";
import { goType, printGo } from "#apimachinery/patch/go-print.ts";
import type { ListSchema, ScalarSchema, Schema, StructSchema } from "#apimachinery/schema/schema.ts";

import { printElement, type PathElement } from "./field-set.ts";
import { ElementError, elementOf, memberSchema } from "./typed.ts";

/**
 * What keeps a configuration from being applied: undeclared fields, wrong types, elements with the same key.
 *
 * @returns upstream's text, `undefined` when all is well
 */
export function configurationFault(schema: StructSchema, config: JsonObject): string | undefined {
  const faults = faultsOf(schema, config, "");
  return faults.length <= 1 ? faults[0] : ["errors:", ...faults.map((fault) => `  ${fault}`)].join("\n");
}

function faultsOf(schema: Schema, value: unknown, path: string): string[] {
  if (value === null) return [];
  const at = (fault: string) => [path === "" ? fault : `${path}: ${fault}`];
  switch (schema.kind) {
    case "struct":
    case "map":
      return isObject(value) ? memberFaults(schema, value, path) : at(`expected map, got ${printValue(value)}`);
    case "list":
      return Array.isArray(value) ? elementFaults(schema, value, path) : at(`expected list, got ${printValue(value)}`);
    case "scalar":
      return scalarFault(schema, value).flatMap(at);
    case "any":
      return [];
  }
}

function memberFaults(schema: Schema, value: JsonObject, path: string): string[] {
  const faults: string[] = [];
  for (const name of Object.keys(value)) {
    if (schema.kind === "struct" && !schema.fields.has(name) && !schema.preserveUnknown) return [...faults, `${path}.${name}: field not declared in schema`];
    faults.push(...faultsOf(memberSchema(schema, name), value[name], `${path}.${name}`));
  }
  return faults;
}

function elementFaults(schema: ListSchema, list: readonly unknown[], path: string): string[] {
  const faults: string[] = [];
  const seen = new Set<PathElement>();
  for (const [i, item] of list.entries()) {
    let element: PathElement = `i:${i}`;
    if (schema.listType !== "atomic") {
      try {
        element = elementOf(schema, item);
      } catch (error) {
        if (error instanceof ElementError) return [...faults, `${path}: element ${i}: ${error.message}`];
        throw error;
      }
      if (seen.has(element)) faults.push(`${path}: duplicate entries for key ${printElement(element)}`);
      seen.add(element);
    }
    faults.push(...faultsOf(schema.items, item, `${path}${printElement(element)}`));
  }
  return faults;
}

function scalarFault({ type }: ScalarSchema, value: unknown): string[] {
  switch (type) {
    case "int32":
    case "int64":
    case "double":
      return typeof value === "number" || typeof value === "bigint" ? [] : [`expected numeric (int or float), got ${goType(value)}`];
    case "boolean":
      return typeof value === "boolean" ? [] : [`expected boolean, got ${printValue(value)}`];
    case "string":
    case "bytes":
      return typeof value === "string" ? [] : [`expected string, got &value.valueUnstructured{Value:${quotedValue(value)}}`];
    default:
      return typeof value === "object" ? [`expected any scalar, got ${printValue(value)}`] : [];
  }
}

/** A value as Go prints the library's wrapper around it. */
const printValue = (value: unknown) => `&{${printGo(value)}}`;

function quotedValue(value: unknown): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(quotedValue).join(", ")}}`;
  if (!isObject(value)) return value === null ? "interface {}(nil)" : JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${quotedValue(value[name])}`);
  return `map[string]interface {}{${members.join(", ")}}`;
}
