import assert from "node:assert/strict";
import { test } from "node:test";

import type { Volume } from "#api/core-v1/types.ts";

import { areCertain } from "./certain.ts";

const token = { serviceAccountToken: { path: "token" } };
const own = { name: "own", projected: { sources: [token, { configMap: { name: "kube-root-ca.crt" } }, { downwardAPI: {} }] } };

for (const { name, volumes, want } of [
  { name: "no volumes", volumes: undefined, want: true },
  { name: "what every pod is given", volumes: [own, { name: "empty", emptyDir: {} }, { name: "down", downwardAPI: {} }], want: true },
  { name: "a ConfigMap", volumes: [own, { name: "words", configMap: { name: "words" } }], want: false },
  { name: "a Secret", volumes: [{ name: "hidden", secret: { secretName: "hidden" } }], want: false },
  { name: "a folder of the host", volumes: [{ name: "host", hostPath: { path: "/srv", type: "Directory" } }], want: false },
  { name: "a projected ConfigMap", volumes: [{ name: "all", projected: { sources: [token, { configMap: { name: "words" } }] } }], want: false },
  { name: "a projection of nothing", volumes: [{ name: "none", projected: {} }], want: false },
] satisfies { name: string; volumes: Volume[] | undefined; want: boolean }[]) {
  test(`areCertain() of ${name} is ${want}`, () => assert.equal(areCertain(volumes), want));
}
