import assert from "node:assert/strict";
import { test } from "node:test";

import { goValue } from "#api/core-v1/pod-spec/go-values.ts";
import { decodeObject } from "#apimachinery/decode/decode.ts";
import { hasEmptied, wasEmptied } from "#apimachinery/decode/emptied.ts";

import { kindSchema } from "./table.ts";

const decode = (spec: object) => decodeObject<{ spec: object }>(kindSchema("networking.k8s.io", "v1", "NetworkPolicy")!, { spec }).object;

test("wasEmptied() tells a list that was sent empty from one that was not sent", () => {
  const { spec } = decode({ podSelector: {}, ingress: [] });
  assert.deepEqual(spec, { podSelector: {} });
  assert.deepEqual([wasEmptied(spec, "ingress"), wasEmptied(spec, "egress")], [true, false]);
  assert.equal(wasEmptied(undefined, "ingress"), false);
});

test("hasEmptied() looks within, but not where it need not", () => {
  assert.equal(hasEmptied(decode({ podSelector: { matchLabels: {} } })), true);
  assert.equal(hasEmptied(decode({ podSelector: { matchLabels: {} } }), ["spec"]), false);
  assert.equal(hasEmptied(decode({ podSelector: {} })), false);
});

test("goValue() prints what was sent empty as that", () => {
  const claim = kindSchema("resource.k8s.io", "v1", "ResourceClaim")!;
  const { spec } = decodeObject<{ spec: object }>(claim, { spec: { devices: { constraints: [{ requests: [], matchAttribute: "a/b" }] } } }).object;
  assert.deepEqual(goValue("ResourceClaimSpec", spec), {
    Devices: { Requests: null, Constraints: [{ Requests: [], MatchAttribute: "a/b", DistinctAttribute: null }], Config: null },
  });
});
