import assert from "node:assert/strict";
import { test } from "node:test";

import { parseApiPath } from "#apiserver/http/path.ts";

const resource = (over: object) => ({
  kind: "resource",
  group: "",
  version: "v1",
  namespace: "",
  plural: "",
  name: "",
  subresource: "",
  rest: "",
  watch: false,
  ...over,
});

for (const { path, want } of [
  { path: "/api/v1/pods", want: resource({ plural: "pods" }) },
  { path: "/api/v1/namespaces", want: resource({ plural: "namespaces" }) },
  { path: "/api/v1/namespaces/a", want: resource({ plural: "namespaces", name: "a" }) },
  { path: "/api/v1/namespaces/a/finalize", want: resource({ plural: "namespaces", name: "a", subresource: "finalize" }) },
  { path: "/api/v1/namespaces/a/pods/x/log", want: resource({ namespace: "a", plural: "pods", name: "x", subresource: "log" }) },
  { path: "/api/v1/namespaces/a/services/x/proxy/m/n", want: resource({ namespace: "a", plural: "services", name: "x", subresource: "proxy", rest: "/m/n" }) },
  { path: "/api/v1/nodes/x/proxy/", want: resource({ plural: "nodes", name: "x", subresource: "proxy", rest: "/" }) },
  { path: "/apis/apps/v1/namespaces/a/deployments/b%3Ac", want: resource({ group: "apps", namespace: "a", plural: "deployments", name: "b:c" }) },
  { path: "/api/v1/watch/namespaces/a/pods", want: resource({ namespace: "a", plural: "pods", watch: true }) },
  { path: "/api/v1/namespaces//pods", want: resource({ plural: "pods" }) },
  { path: "/api/v1//pods", want: resource({ name: "pods" }) },
  { path: "/apis/apps/v1", want: { kind: "plain" } },
  { path: "/api/v1/", want: { kind: "plain" } },
  { path: "/version", want: { kind: "plain" } },
]) {
  test(`parseApiPath() reads ${path}`, () => assert.deepEqual(parseApiPath(path), want));
}
