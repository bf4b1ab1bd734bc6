import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { applyStrategicMergePatch } from "#apimachinery/patch/strategic-merge-patch.ts";

import { typeSchema } from "./table.ts";

const SPEC = typeSchema("core/v1.PodSpec");
const META = typeSchema("meta/v1.ObjectMeta");
const spec = {
  containers: [
    { name: "a", image: "1", args: ["x"] },
    { name: "b", image: "2" },
  ],
  nodeSelector: { k: "v" },
};

for (const { name, schema = SPEC, document = spec, patch, want } of [
  { name: "merges by key", patch: { containers: [{ name: "b", image: "3" }] }, want: { ...spec, containers: [spec.containers[0], { name: "b", image: "3" }] } },
  {
    name: "puts new elements before the server's others",
    patch: { containers: [{ name: "c" }] },
    want: { ...spec, containers: [{ name: "c" }, ...spec.containers] },
  },
  { name: "deletes an element", patch: { containers: [{ name: "a", $patch: "delete" }] }, want: { ...spec, containers: [spec.containers[1]] } },
  { name: "replaces a list", patch: { containers: [{ $patch: "replace" }, { name: "z" }] }, want: { ...spec, containers: [{ name: "z" }] } },
  {
    name: "replaces an atomic list",
    patch: { containers: [{ name: "a", args: ["y"] }] },
    want: { ...spec, containers: [{ name: "a", image: "1", args: ["y"] }, spec.containers[1]] },
  },
  {
    name: "orders elements",
    patch: { "$setElementOrder/containers": [{ name: "b" }, { name: "a" }] },
    want: { ...spec, containers: [spec.containers[1], spec.containers[0]] },
  },
  { name: "removes by null", patch: { nodeSelector: { k: null, l: "w" } }, want: { ...spec, nodeSelector: { l: "w" } } },
  { name: "replaces a map", patch: { nodeSelector: { $patch: "replace", l: "w" } }, want: { ...spec, nodeSelector: { l: "w" } } },
  { name: "empties a map", patch: { nodeSelector: { $patch: "delete" } }, want: { ...spec, nodeSelector: {} } },
  { name: "adds to a set", schema: META, document: { finalizers: ["a"] }, patch: { finalizers: ["b", "a"] }, want: { finalizers: ["b", "a"] } },
  {
    name: "removes from a set",
    schema: META,
    document: { finalizers: ["a", "b"] },
    patch: { "$deleteFromPrimitiveList/finalizers": ["a"] },
    want: { finalizers: ["b"] },
  },
  {
    name: "retains keys",
    document: { volumes: [{ name: "v", emptyDir: {} }] },
    patch: { volumes: [{ name: "v", $retainKeys: ["name", "hostPath"], hostPath: { path: "/x" } }] },
    want: { volumes: [{ name: "v", hostPath: { path: "/x" } }] },
  },
]) {
  test(`applyStrategicMergePatch() ${name}`, () => {
    const before = structuredClone(document);
    assert.deepEqual(applyStrategicMergePatch(schema, document, patch), want);
    assert.deepEqual(document, before);
  });
}

for (const [patch, message] of [
  [{ containers: [{ image: "n:1" }] }, "map: map[image:n:1] does not contain declared merge key: name"],
  [{ containers: [{ name: "a", $patch: "merge" }] }, "merging lists cannot yet be specified in the patch"],
  [{ nodeSelector: { $patch: 5 } }, "unknown patch type: %!s(int64=5) in map: map[$patch:5]"],
  [{ "$setElementOrder/containers": "a" }, "expected a []interface {}, but received a string"],
] as const) {
  test(`applyStrategicMergePatch() says ${message}`, () => assert.throws(() => applyStrategicMergePatch(SPEC, spec, patch), { message }));
}

const containers = fc.uniqueArray(fc.record({ name: fc.constantFrom("a", "b", "c", "d"), image: fc.string({ minLength: 1, maxLength: 2 }) }), {
  selector: ({ name }) => name,
});

test("applyStrategicMergePatch() has each element once, the patch's as patched", () => {
  fc.assert(
    fc.property(containers, containers, (live, patch) => {
      const result = applyStrategicMergePatch(SPEC, { containers: live }, { containers: patch })["containers"] as typeof live;
      const naive = new Map([...live, ...patch].map((container) => [container.name, container]));
      assert.equal(result.length, naive.size);
      for (const container of result) assert.deepEqual({ ...container }, { ...naive.get(container.name) });
    }),
  );
});
