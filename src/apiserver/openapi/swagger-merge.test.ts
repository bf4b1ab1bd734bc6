import assert from "node:assert/strict";
import { test } from "node:test";

import { mergedSwagger, partOf } from "./swagger-merge.ts";
import type { Swagger } from "./swagger.ts";

const document = (paths: object, definitions: object) => ({ swagger: "2.0", paths, definitions }) as unknown as Swagger;
const ref = (name: string) => ({ $ref: `#/definitions/${name}` });

test("partOf() keeps what is below a path, and the definitions that it comes to", () => {
  const whole = document({ "/a/x": { get: ref("A") }, "/b/": {} }, { A: { properties: { b: ref("B"), self: ref("A") } }, B: {}, C: {} });
  const part = partOf(whole, "/a/");
  assert.deepEqual([Object.keys(part.paths), Object.keys(part.definitions)], [["/a/x"], ["A", "B"]]);
});

test("mergedSwagger() keeps definitions apart that say different things under one name", () => {
  const base = document({ "/a": { get: ref("Same") } }, { Same: { type: "string", "x-kubernetes-group-version-kind": [] }, Other: { type: "string" } });
  const part = document(
    { "/a": { get: "another" }, "/b": { get: [ref("Other"), ref("Same")] } },
    { Same: { type: "string" }, Other: { properties: { inner: ref("Other") } } },
  );
  const { paths, definitions } = mergedSwagger(base, [part]);
  assert.deepEqual(paths, { "/a": { get: ref("Same") }, "/b": { get: [ref("Other_v2"), ref("Same")] } });
  assert.deepEqual([definitions["Other"], definitions["Other_v2"]], [{ type: "string" }, { properties: { inner: ref("Other_v2") } }]);
});
