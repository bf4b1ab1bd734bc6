import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { FieldSet, keyElement, parseFieldSet, printPath } from "./field-set.ts";

test("FieldSet.toJSON() writes FieldsV1", () => {
  const set = FieldSet.of(["f:metadata", "f:labels"], ["f:metadata", "f:labels", "f:app"], ["f:spec", 'k:{"name":"a"}', "f:image"]);
  assert.deepEqual(set.toJSON(), { "f:metadata": { "f:labels": { ".": {}, "f:app": {} } }, "f:spec": { 'k:{"name":"a"}': { "f:image": {} } } });
});

test("parseFieldSet() puts keys into one form, skips what a later version may know, and refuses the rest", () => {
  assert.deepEqual(parseFieldSet({ 'k:{"b":1, "a":"x"}': {} })?.toJSON(), { [keyElement({ a: "x", b: 1 })]: {} });
  assert.deepEqual(parseFieldSet({ "z:later": {}, "f:a": {} })?.toJSON(), { "f:a": {} });
  for (const malformed of [null, [], { plain: {} }, { "k:{": {} }, { "i:x": {} }, { "f:a": 5 }]) assert.equal(parseFieldSet(malformed), undefined);
});

test("printPath() names elements as messages do", () => {
  assert.equal(printPath(["f:spec", keyElement({ protocol: "TCP", containerPort: 80 }), 'v:"x"', "i:0"]), '.spec[containerPort=80,protocol="TCP"][="x"][0]');
});

const element = fc.constantFrom("f:a", "f:b", 'k:{"n":"x"}', 'v:"1"');
const paths = fc.array(fc.array(element, { minLength: 1, maxLength: 3 }), { maxLength: 8 });
const asStrings = (set: FieldSet) => [...set.paths()].map((path) => path.join("/")).sort();
const unique = (list: readonly string[][]) => [...new Set(list.map((path) => path.join("/")))].sort();

test("FieldSet operations agree with sets of paths", () => {
  fc.assert(
    fc.property(paths, paths, (a, b) => {
      const [x, y] = [FieldSet.of(...a), FieldSet.of(...b)];
      const [p, q] = [unique(a), unique(b)];
      assert.deepEqual(asStrings(x), p);
      assert.deepEqual(asStrings(x.union(y)), unique([...a, ...b]));
      assert.deepEqual(
        asStrings(x.difference(y)),
        p.filter((path) => !q.includes(path)),
      );
      assert.deepEqual(
        asStrings(x.intersection(y)),
        p.filter((path) => q.includes(path)),
      );
      assert.deepEqual(
        asStrings(x.without(y)),
        p.filter((path) => !q.some((root) => path === root || path.startsWith(`${root}/`))),
      );
      assert.deepEqual(asStrings(parseFieldSet(x.toJSON())!), p);
      assert.equal(x.difference(FieldSet.EMPTY), x);
    }),
  );
});
