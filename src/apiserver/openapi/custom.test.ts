import assert from "node:assert/strict";
import { test } from "node:test";

import type { ResourceInfo } from "#api/resources.ts";
import type { JsonSchema as Structural } from "#apimachinery/structural/json-schema.ts";
import { customDefinitions } from "#apiserver/openapi/custom.ts";
import { openApiHandler } from "#apiserver/openapi/handler.ts";
import { ANONYMOUS } from "#apiserver/user.ts";

const NAME = "com.example.v1.Thing";
const PRESERVE = { "x-kubernetes-preserve-unknown-fields": true } as const;

function thing(schema: Structural, selectableFields: readonly string[] = []): ResourceInfo {
  const names = { kind: "Thing", plural: "things", singular: "thing", shortNames: [], categories: [] };
  const custom = { schema, storageVersion: "v1", selectableFields };
  return { group: "example.com", version: "v1", ...names, namespaced: true, verbs: ["get"], servedByDefault: true, subresources: [], custom };
}

type Definition = { readonly properties?: Readonly<Record<string, unknown>>; readonly [key: string]: unknown };

/** What OpenAPI v2 says of a resource with one property, of that property. */
function property(schema: Structural, required?: readonly string[]): { readonly of: unknown; readonly required: unknown } {
  const root: Structural = { type: "object", properties: { x: schema }, ...(required && { required }) };
  const definition = customDefinitions([thing(root)]).get(NAME) as Definition;
  return { of: definition.properties!["x"], required: definition["required"] };
}

for (const { name, schema, want } of [
  { name: "a default", schema: { type: "string", default: "a" }, want: { type: "string", default: "a" } },
  { name: "rules", schema: { type: "integer", "x-kubernetes-validations": [{ rule: "self > 1" }] } },
  {
    name: "what is any or none of several",
    schema: { type: "string", anyOf: [{ minLength: 1 }], allOf: [{ maxLength: 9 }], oneOf: [{ pattern: "a" }], not: { enum: ["b"] } },
    want: { type: "string" },
  },
  { name: "what may be null", schema: { type: "object", nullable: true, properties: { a: { type: "string" } } }, want: {} },
  { name: "an open object", schema: { type: "object", ...PRESERVE, properties: { a: { type: "string" } } }, want: PRESERVE },
  { name: "an open list", schema: { type: "array", items: { type: "object", ...PRESERVE } }, want: { type: "array", items: PRESERVE } },
  { name: "a number or string", schema: { "x-kubernetes-int-or-string": true }, want: { "x-kubernetes-int-or-string": true } },
  {
    name: "a map",
    schema: { type: "object", additionalProperties: { type: "string", nullable: true } },
    want: { type: "object", additionalProperties: {} },
  },
] satisfies readonly { name: string; schema: Structural; want?: object }[] as readonly { name: string; schema: Structural; want?: object }[]) {
  test(`customDefinitions() of ${name}`, () => {
    assert.deepEqual(property(schema).of, want ?? schema);
  });
}

test("customDefinitions() does not require what may be null", () => {
  assert.equal(property({ type: "string", nullable: true }, ["x"]).required, undefined);
  assert.deepEqual(property({ type: "string" }, ["x"]).required, ["x"]);
});

test("customDefinitions() gives an embedded object the parts of an object, unless it is open", () => {
  const embedded = { type: "object", "x-kubernetes-embedded-resource": true } as const;
  const { properties, required } = property({ ...embedded, properties: { spec: { type: "object" } } }).of as Definition;
  assert.deepEqual(Object.keys(properties!).sort(), ["apiVersion", "kind", "metadata", "spec"]);
  assert.deepEqual(required, ["kind", "apiVersion"]);
  assert.deepEqual(property({ ...embedded, ...PRESERVE }).of, { "x-kubernetes-embedded-resource": true, ...PRESERVE });
});

test("customDefinitions() names no properties of an open resource, and its fields to select by in kind and list", () => {
  const definitions = customDefinitions([thing({ type: "object", ...PRESERVE, properties: { spec: { type: "object" } } }, ["spec.color"])]);
  const selectable = { "x-kubernetes-selectable-fields": [{ fieldPath: "spec.color" }] };
  const kind = (name: string) => ({ "x-kubernetes-group-version-kind": [{ group: "example.com", kind: name, version: "v1" }] });
  assert.deepEqual(definitions.get(NAME), { type: "object", ...kind("Thing"), ...selectable });
  const { properties: _, description: __, ...list } = definitions.get(`${NAME}List`)!;
  assert.deepEqual(list, { type: "object", required: ["items"], ...kind("ThingList"), ...selectable });
});

test("openApiHandler() tells of a number or string in OpenAPI v3 that it is either", async () => {
  const schema: Structural = { type: "object", properties: { x: { "x-kubernetes-int-or-string": true } } };
  const kinds = [thing(schema)];
  const handler = openApiHandler({ kinds: () => kinds, release: "v1.35.6" });
  const answer = await handler({ method: "GET", path: "/openapi/v3/apis/example.com/v1", query: new URLSearchParams(), headers: {}, user: ANONYMOUS });
  const { components } = JSON.parse(String(answer!.body)) as { components: { schemas: Record<string, Definition> } };
  assert.deepEqual(components.schemas[NAME]!.properties!["x"], { "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] });
});
