import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { sharedFields } from "#apimachinery/managed-fields/index.ts";
import type { KubeObject } from "#apimachinery/object.ts";

import { encodeObject } from "./encode-object.ts";

const text = fc.string({ maxLength: 8 });
const fields = fc.constantFrom({}, { "f:data": { ".": {}, "f:x": {} } }, { "f:spec": { 'k:{"name":"q\\"é"}': {} } });
const entry = fc.record(
  {
    manager: text,
    operation: fc.constant("Update"),
    time: text,
    fieldsV1: fc.oneof(
      fields,
      fields.map((json) => sharedFields(JSON.stringify(json))),
    ),
  },
  { requiredKeys: [] },
);
const metadata = fc.record(
  { name: text, resourceVersion: text, labels: fc.dictionary(text, text), managedFields: fc.oneof(fc.array(entry, { maxLength: 3 }), fc.constant(null)) },
  { requiredKeys: [] },
);
const object = fc.tuple(
  fc.record({ spec: fc.jsonValue(), apiVersion: text, kind: text, 'x"y': fc.constant(undefined), metadata }, { requiredKeys: ["metadata"] }),
  fc.boolean(),
);

test("encodeObject() says what JSON.stringify() says, in the store's order and without the resourceVersion", () => {
  fc.assert(
    fc.property(object, ([value, reversed]) => {
      const given = (reversed ? Object.fromEntries(Object.entries(value).reverse()) : value) as unknown as KubeObject;
      const json = encodeObject(given);
      const { resourceVersion: _, ...rest } = value.metadata;
      assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify({ ...value, metadata: rest })));
      assert.match(json, /^\{("kind":"([^"\\]|\\.)*",)?("apiVersion":"([^"\\]|\\.)*",)?"metadata":\{/);
    }),
  );
});
