import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";
import { applyPatch, createPatch } from "rfc6902";

import { applyJsonPatch, equalJson, parseJsonPatch } from "./json-patch.ts";

const document = { data: { a: "1" }, list: ["x", "y"] };

for (const { name, patch, want } of [
  { name: "makes a missing member on replace", patch: [{ op: "replace", path: "/data/b", value: 1 }], want: { ...document, data: { a: "1", b: 1 } } },
  { name: "takes -1 for the last element", patch: [{ op: "replace", path: "/list/-1", value: 1 }], want: { ...document, list: ["x", 1] } },
  {
    name: "appends at -1 and -",
    patch: [
      { op: "add", path: "/list/-1", value: 1 },
      { op: "add", path: "/list/-", value: 2 },
    ],
    want: { ...document, list: ["x", "y", 1, 2] },
  },
  { name: "takes 01 for 1", patch: [{ op: "remove", path: "/list/01" }], want: { ...document, list: ["x"] } },
  { name: "takes a missing member for null in a test", patch: [{ op: "test", path: "/data/z", value: null }], want: document },
  { name: "drops what stands before the first slash", patch: [{ op: "add", path: "data/k", value: 1 }], want: { ...document, k: 1 } },
  { name: "copies a missing member as null", patch: [{ op: "copy", from: "/data/z", path: "/k" }], want: { ...document, k: null } },
  { name: "unescapes keys", patch: [{ op: "add", path: "/a~1b~0", value: 1 }], want: { ...document, "a/b~": 1 } },
]) {
  test(`applyJsonPatch() ${name}`, () => {
    const before = structuredClone(document);
    assert.deepEqual(applyJsonPatch(document, patch), want);
    assert.deepEqual(document, before);
  });
}

for (const patch of [
  [{ op: "remove", path: "/data/z" }],
  [{ op: "add", path: "/none/z", value: 1 }],
  [{ op: "add", path: "/list/5", value: 1 }],
  [{ op: "move", from: "/data", path: "/data/inner" }],
  [{ op: "test", path: "/data", value: {} }],
  [{ op: "ADD", path: "/k", value: 1 }],
  [{ op: "add", value: 1 }],
  [null],
]) {
  test(`applyJsonPatch() rejects ${JSON.stringify(patch)}`, () => assert.throws(() => applyJsonPatch(document, patch), { code: 422 }));
}

test("applyJsonPatch() bounds what copies add", () => {
  const patch = Array.from({ length: 100 }, (_, i) => ({ op: "copy", from: "/data", path: `/data/k${i}` }));
  assert.throws(() => applyJsonPatch(document, patch), { code: 422 });
});

test("applyJsonPatch() keeps __proto__ a member", () => {
  const result = applyJsonPatch({ data: {} }, [{ op: "add", path: "/data/__proto__", value: { polluted: true } }]) as { data: object };
  assert.ok(Object.hasOwn(result.data, "__proto__"));
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});

test("parseJsonPatch() names what a strict decoder objects to", () => {
  assert.deepEqual(parseJsonPatch('[{"op":"add","path":"/x","path":"/y","extra":1}]').strictErrors, [
    'json patch duplicate field "[0].path"',
    'json patch unknown field "[0].extra"',
  ]);
  assert.throws(() => parseJsonPatch("{}"), { message: "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp" });
});

const plainJson = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.integer(),
    fc.string({ maxLength: 3 }),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b", "c"), tie("value")),
  ),
})).value;

test("applyJsonPatch() agrees with rfc6902 on its own patches", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom("a", "b"), plainJson), fc.dictionary(fc.constantFrom("a", "b"), plainJson), (from, to) => {
      const patch = createPatch(from, to);
      const oracle = structuredClone(from);
      applyPatch(oracle, structuredClone(patch));
      assert.ok(equalJson(applyJsonPatch(from, patch as never), oracle));
    }),
  );
});
