import { ALL_KINDS, apiVersionOf, type ResourceInfo } from "#api/resources.ts";
import { kindSchema } from "#api/schema/table.ts";
import type { FieldSchema, ScalarSchema, Schema, StructSchema } from "#apimachinery/schema/schema.ts";
import type { Rng } from "#lib/rng.ts";

/** Kinds whose objects clients send. */
export const WRITABLE: readonly ResourceInfo[] = ALL_KINDS.filter(({ verbs, servedByDefault }) => servedByDefault && verbs.includes("create"));

/** Deeper than this, only what is required is made. */
const MAX_DEPTH = 7;
/** Values that some field takes, whatever its name. */
const WORDS = ["a", "web", "example.com/a", "Always", "TCP", "10.0.0.1", "10.0.0.0/24", "1", "80", "100m", "*", "/tmp", "Never", "Exists", "v1", "apps/v1"];
const WRONG: readonly unknown[] = [null, true, -1, 1.5, 2 ** 53, "", "\u0000", "x".repeat(300), "-1Gi", "1e999", "__proto__", [], {}, [null], { "": null }];

/**
 * An object of a kind as nobody would write it: any of its fields, often of the right type, sometimes with values that
 * fields of that type take. `carelessness` is the share of members that are of any other type.
 */
export function randomObject(info: ResourceInfo, rng: Rng, carelessness = 0.02): Record<string, unknown> {
  const schema = kindSchema(info.group, info.version, info.kind);
  if (schema === undefined) throw new Error(`no schema of ${info.kind}`);
  const object = randomStruct(schema, { rng, carelessness }, 0) as Record<string, unknown>;
  const metadata = typeof object["metadata"] === "object" && object["metadata"] !== null ? object["metadata"] : {};
  return { ...object, apiVersion: apiVersionOf(info), kind: info.kind, metadata: { ...metadata, name: "stays", namespace: undefined } };
}

interface Taste {
  readonly rng: Rng;
  readonly carelessness: number;
}

function randomValue(schema: Schema, taste: Taste, depth: number): unknown {
  const { rng, carelessness } = taste;
  if (rng() < carelessness) return pick(rng, WRONG);
  switch (schema.kind) {
    case "scalar":
      return randomScalar(schema, rng);
    case "list":
      return Array.from({ length: sizeAt(depth, rng) }, () => randomValue(schema.items, taste, depth + 1));
    case "map":
      return Object.fromEntries(Array.from({ length: sizeAt(depth, rng) }, () => [pick(rng, WORDS), randomValue(schema.values, taste, depth + 1)]));
    case "struct":
      return randomStruct(schema, taste, depth);
    case "any":
      return schema.forms === undefined ? pick(rng, [{ a: 1 }, [], "a", 1]) : randomValue(pick(rng, schema.forms), taste, depth + 1);
  }
}

function randomStruct(schema: StructSchema, taste: Taste, depth: number): object {
  const made: Record<string, unknown> = {};
  for (const field of schema.fields.values()) if (isMade(field, taste.rng, depth)) made[field.name] = randomValue(field.schema, taste, depth + 1);
  return made;
}

/** The top's own members nearly always; below, fewer with every level, or an object would have no end. */
function isMade({ required }: FieldSchema, rng: Rng, depth: number): boolean {
  if (depth > MAX_DEPTH) return required && depth < 2 * MAX_DEPTH;
  return rng() < (depth === 0 ? 0.9 : (required ? 0.9 : 0.35) / Math.sqrt(depth));
}

function randomScalar({ type, enum: values }: ScalarSchema, rng: Rng): unknown {
  if (values !== undefined && rng() < 0.7) return pick(rng, values);
  switch (type) {
    case "int32":
    case "int64":
    case "double":
      return pick(rng, [0, 1, 2, 80, 65_536, -1, 2_147_483_647]);
    case "boolean":
      return rng() < 0.5;
    case "bytes":
      return pick(rng, ["", "AAAA", "!"]);
    case "quantity":
      return pick(rng, ["1", "100m", "1Gi", "-1", "0", 5, "1e30", "9".repeat(40)]);
    case "intOrString":
      return pick(rng, [1, "25%", "http", -1, "-5%", "101%"]);
    case "time":
    case "microTime":
      return pick(rng, ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z", "0001-01-01T00:00:00Z", "never"]);
    case "duration":
      return pick(rng, ["1s", "1h", "-1s", "x"]);
    case "string":
      return pick(rng, WORDS);
  }
}

const sizeAt = (depth: number, rng: Rng): number => (depth > MAX_DEPTH ? 0 : Math.floor(rng() * 3));
const pick = <T>(rng: Rng, list: readonly T[]): T => list[Math.floor(rng() * list.length)]!;
