import type { JsonObject } from "#apimachinery/decode/own.ts";
import { applyJsonPatch, type JsonPatchOperation } from "#apimachinery/patch/json-patch.ts";
import { durationText, timestampText } from "#lib/cel/times.ts";
import { typeOfValue } from "#lib/cel/inspect.ts";
import { Duration, ListValue, MapValue, ObjectValue, Timestamp, Uint, type Value } from "#lib/cel/values.ts";

/** Why a mutation cannot be made: whether that refuses the request is its policy's matter. */
export class MutationFault extends Error {
  override readonly name = "MutationFault";
}

/**
 * What an expression made of `Object{...}` says, as JSON.
 *
 * @throws {MutationFault} when a part is named after another place than where it stands
 */
export function configurationOf(value: Value): JsonObject {
  if (!(value instanceof ObjectValue)) throw new MutationFault("unsupported return type from ApplyConfiguration expression");
  checkNames(value);
  return jsonOf(value) as JsonObject;
}

/** @throws {MutationFault} */
export function operationsOf(value: Value): JsonPatchOperation[] {
  if (!(value instanceof ListValue)) throw new MutationFault("type mismatch: JSONPatchType.expression should evaluate to array");
  return Array.from(value, (item) => {
    if (!(item instanceof ObjectValue) || item.type.name !== "JSONPatch") {
      throw new MutationFault("type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch");
    }
    const { fields } = item;
    const [op, path, from] = ["op", "path", "from"].map((name) => (fields.get(name) as string | undefined) ?? "");
    const given = fields.get("value");
    if (given instanceof ObjectValue) checkNames(given);
    return { op, path, ...(from !== "" && { from }), ...(given !== undefined && { value: jsonOf(given) }) };
  });
}

/**
 * The object with the patch applied; the object itself where a test in the patch does not hold.
 *
 * @throws {MutationFault} when an operation does not apply
 */
export function withOperations(object: JsonObject, operations: readonly JsonPatchOperation[]): unknown {
  let document: unknown = object;
  for (const operation of operations) {
    try {
      document = applyJsonPatch(document, [operation]);
    } catch {
      const why = faultOf(document, operation);
      if (why === undefined) return object;
      throw new MutationFault(`JSON Patch: ${why}`);
    }
  }
  return document;
}

/** The words of the library that upstream applies patches with; undefined for a test that does not hold. */
function faultOf(document: unknown, { op, path, from }: JsonPatchOperation): string | undefined {
  const parent = String(path).split("/").slice(0, -1);
  const key = String(path).split("/").at(-1) ?? "";
  const isThere = parent.length > 0 && holds(document, parent.slice(1));
  switch (op) {
    case "add":
      return isThere
        ? `error in add for path: '${path}': invalid index referenced`
        : `add operation does not apply: doc is missing path: "${path}": missing value`;
    case "remove":
      return isThere
        ? `error in remove for path: '${path}': Unable to remove nonexistent key: ${key}: missing value`
        : `remove operation does not apply: doc is missing path: "${path}": missing value`;
    case "replace":
      return `replace operation does not apply: doc is missing ${isThere ? "key" : "path"}: ${path}: missing value`;
    case "test":
      return isThere ? undefined : `test operation does not apply: is missing path: ${path}: missing value`;
    case "move":
    case "copy":
      return `${op} operation does not apply: doc is missing from path: ${from ?? ""}: missing value`;
    default:
      return `Unexpected kind: ${String(op)}`;
  }
}

function holds(document: unknown, way: readonly string[]): boolean {
  let at = document;
  for (const step of way) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return false;
    at = (at as JsonObject)[key];
  }
  return typeof at === "object" && at !== null;
}

function checkNames(value: ObjectValue): void {
  const faults = misnamed(value, value.type.name);
  if (faults.length > 0) throw new MutationFault(`type mismatch: ${faults.join("\n")}`);
}

/** Parts have to be named by the way to them: `Object.spec.template`. Lists and maps between have no names. */
function misnamed(value: Value, expected: string): string[] {
  if (value instanceof ObjectValue) {
    const { name } = value.type;
    const own =
      name === expected
        ? []
        : [`unexpected type name ${JSON.stringify(name)}, expected ${JSON.stringify(expected)}, which matches field name path from root Object type`];
    return [...own, ...[...value.fields].flatMap(([field, each]) => misnamed(each, `${expected}.${field}`))];
  }
  if (value instanceof ListValue) return Array.from(value).flatMap((each) => misnamed(each, expected));
  if (value instanceof MapValue) return Array.from(value.keys()).flatMap((key) => misnamed(value.get(key) ?? null, expected));
  return [];
}

function jsonOf(value: Value): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof ObjectValue) return Object.fromEntries([...value.fields].map(([name, each]) => [name, jsonOf(each)]));
  if (value instanceof ListValue) return Array.from(value, jsonOf);
  if (value instanceof MapValue) return Object.fromEntries(Array.from(value.keys(), (key) => [textOf(key), jsonOf(value.get(key) ?? null)]));
  if (value instanceof Uint) return Number(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationText(value.nanos);
  throw new MutationFault(`a value of type ${typeOfValue(value).name} has no JSON`);
}

function textOf(key: Value): string {
  if (typeof key === "string") return key;
  throw new MutationFault(`map key of type ${typeOfValue(key).name}, not string`);
}
