import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { createdFields } from "#apimachinery/managed-fields/created-fields.ts";
import { FieldSet } from "#apimachinery/managed-fields/field-set.ts";
import { compareTyped, ElementError } from "#apimachinery/managed-fields/typed.ts";
import { emptyObject } from "#apimachinery/managed-fields/update.ts";
import type { Schema, StructSchema } from "#apimachinery/schema/schema.ts";

import { kindSchema } from "./table.ts";

const text = fc.constantFrom("", "a", "b", 'q"', "é", "constructor", "__proto__");
const MAX_DEPTH = 7;

/** Values as a decoder may leave them, some with nulls and with keys that come twice or not at all. */
function valueOf(schema: Schema, depth: number, keys: readonly string[] = []): fc.Arbitrary<unknown> {
  switch (schema.kind) {
    case "scalar":
      return schema.type === "boolean" ? fc.boolean() : schema.type.startsWith("int") ? fc.integer({ min: 0, max: 2 }) : text;
    case "list":
      return fc.oneof({ arbitrary: fc.array(valueOf(schema.items, depth + 1, schema.mapKeys), { maxLength: 3 }), weight: 9 }, fc.constant(null));
    case "map":
      return fc.oneof(
        { arbitrary: fc.dictionary(text, valueOf(schema.values, depth + 1), { maxKeys: 3, noNullPrototype: true }), weight: 9 },
        fc.constant(null),
      );
    case "struct":
      return depth >= MAX_DEPTH ? fc.constantFrom({}, null) : structOf(schema, depth, keys);
    case "any":
      return fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== undefined);
  }
}

/** @param keys most elements of associative lists have */
function structOf(schema: StructSchema, depth: number, keys: readonly string[] = []): fc.Arbitrary<object> {
  const names = [...schema.fields.keys()];
  return fc.tuple(fc.shuffledSubarray(names, { maxLength: Math.min(6, names.length) }), fc.nat(9)).chain(([some, luck]) => {
    const chosen = luck === 0 ? some : [...new Set([...some, ...keys])];
    const values = chosen.map((name) => [name, valueOf(schema.fields.get(name)!.schema, depth + 1)] as const);
    return fc.record(Object.fromEntries(values), { noNullPrototype: true });
  });
}

/** What comparing says, which is how updates find out. */
function compared(schema: StructSchema, object: object, nobodys: FieldSet): string {
  const { added, modified } = compareTyped(schema, emptyObject(schema), object, true);
  return JSON.stringify(added.union(modified).without(nobodys).toJSON());
}

function outcomeOf(run: () => string): string {
  try {
    return run();
  } catch (error) {
    assert.ok(error instanceof ElementError);
    return error.message;
  }
}

const NOBODYS = FieldSet.of(["f:status"], ["f:metadata", "f:name"], ["f:spec", "f:nodeName"]);

for (const [group, version, kind] of [
  ["", "v1", "Pod"],
  ["", "v1", "Service"],
  ["", "v1", "ConfigMap"],
  ["apps", "v1", "Deployment"],
  ["networking.k8s.io", "v1", "Ingress"],
  ["apps", "v1", "ControllerRevision"],
] as const) {
  test(`createdFields() of a ${kind} are those that comparing with nothing finds`, () => {
    const schema = kindSchema(group, version, kind)!;
    fc.assert(
      fc.property(structOf(schema, 0), fc.boolean(), (object, limited) => {
        const nobodys = limited ? NOBODYS : FieldSet.EMPTY;
        assert.equal(
          outcomeOf(() => JSON.stringify(createdFields(schema, emptyObject(schema), object as Record<string, unknown>, nobodys) ?? {})),
          outcomeOf(() => compared(schema, object, nobodys)),
        );
      }),
      { numRuns: 300 },
    );
  });
}
