import assert from "node:assert/strict";
import { test } from "node:test";

import type { PodTemplateSpec } from "#api/core-v1/types.ts";

import { podTemplateHash } from "./template-hash.ts";

const container = {
  name: "main",
  image: "app:1",
  resources: {},
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
  imagePullPolicy: "IfNotPresent",
};
const spec = {
  containers: [container],
  restartPolicy: "Always",
  terminationGracePeriodSeconds: 1,
  dnsPolicy: "ClusterFirst",
  securityContext: {},
  schedulerName: "default-scheduler",
};
const template = { metadata: { labels: { app: "web" } }, spec } as PodTemplateSpec;
const withLimit = (quantity: string) => ({ spec: { containers: [{ name: "a", resources: { limits: { x: quantity } } }] } }) as unknown as PodTemplateSpec;

test("podTemplateHash() is upstream's", () => {
  assert.equal(podTemplateHash(template), "58c5467578");
});

test("podTemplateHash() takes empty lists and maps for absent ones, as decoding does", () => {
  assert.equal(podTemplateHash({ ...template, spec: { ...template.spec, volumes: [], nodeSelector: {} } }), "58c5467578");
});

test("podTemplateHash() changes with the collision count, and only when there is one", () => {
  const hashes = [undefined, 0, 1].map((count) => podTemplateHash(template, count));
  assert.equal(new Set(hashes).size, 3);
});

// Computed with upstream's own code.
const QUANTITIES = [
  ["0", "6fbd6dcb46"],
  ["1", "6d87449f86"],
  ["100m", "64c9958577"],
  ["128Mi", "86479c8479"],
  ["100Ti", "846d8f9b5c"],
  ["1500m", "59bb4bd55f"],
  ["1000", "7466b668d5"],
  ["250000n", "65bfcbd7b9"],
  ["1e3", "76cb6bc64d"],
] as const;

for (const [quantity, hash] of QUANTITIES) {
  test(`podTemplateHash() sees ${quantity} as Go's parser leaves it`, () => assert.equal(podTemplateHash(withLimit(quantity)), hash));
}
