import assert from "node:assert/strict";
import { test } from "node:test";

import { ALL_KINDS } from "#api/resources.ts";
import { StatusError } from "#apimachinery/status-error.ts";
import { compareVersions } from "#apiserver/discovery/documents.ts";
import { discoveryHandler } from "#apiserver/discovery/handler.ts";
import { versionHandler } from "#apiserver/discovery/version.ts";
import type { PlainHandler } from "#apiserver/http/plain.ts";
import { ANONYMOUS } from "#apiserver/user.ts";

const served = ALL_KINDS.filter(({ servedByDefault }) => servedByDefault);
const handler = discoveryHandler({ kinds: () => served, serverAddress: "192.0.2.1:6443" });
const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

async function ask(path: string, headers: Record<string, string> = {}, { method = "GET", of = handler }: { method?: string; of?: PlainHandler } = {}) {
  const answer = await of({ method, path, query: new URLSearchParams(), headers, user: ANONYMOUS });
  return answer === undefined ? undefined : { ...answer, text: String(answer.body) };
}

test("discoveryHandler() lists groups by priority, versions by age", async () => {
  const { groups } = JSON.parse((await ask("/apis"))!.text) as { groups: { name: string; versions: { version: string }[] }[] };
  assert.deepEqual(
    groups.slice(0, 3).map(({ name }) => name),
    ["apiregistration.k8s.io", "apps", "events.k8s.io"],
  );
  assert.deepEqual(
    groups.find(({ name }) => name === "autoscaling")?.versions.map(({ version }) => version),
    ["v2", "v1"],
  );
  assert.ok(!groups.some(({ name }) => name === "extensions"));
});

test("discoveryHandler() lists resources with their subresources and the storage version's hash", async () => {
  const list = JSON.parse((await ask("/apis/apps/v1/"))!.text) as { resources: { name: string; storageVersionHash?: string }[] };
  assert.ok(list.resources.some(({ name }) => name === "deployments/scale"));
  assert.equal(list.resources.find(({ name }) => name === "daemonsets")?.storageVersionHash, "dd7pWHUlMKQ=");
});

for (const path of ["/apis/extensions", "/apis/nothing.example.com/v1", "/foo", "/api/v1/pods"]) {
  test(`discoveryHandler() leaves ${path} to others`, async () => assert.equal(await ask(path), undefined));
}

for (const { name, path, headers = {}, method = "GET", code } of [
  { name: "an absent version", path: "/apis/apps/v1beta1", code: 404 },
  { name: "a method", path: "/api/v1", method: "PUT", code: 405 },
  { name: "an unknown media type", path: "/api", headers: { accept: "text/html" }, code: 406 },
  { name: "a transformation", path: "/apis/apps", headers: { accept: AGGREGATED }, code: 406 },
]) {
  test(`discoveryHandler() refuses ${name} with ${code}`, async () => {
    await assert.rejects(
      async () => ask(path, headers, { method }),
      (error) => error instanceof StatusError && error.code === code,
    );
  });
}

test("discoveryHandler() gives the aggregated document once, then 304 for its ETag", async () => {
  const first = (await ask("/apis", { accept: `${AGGREGATED},application/json` }))!;
  assert.equal(first.headers["content-type"], AGGREGATED);
  const again = (await ask("/apis", { accept: AGGREGATED, "if-none-match": first.headers["etag"]! }))!;
  assert.deepEqual([again.status, again.text], [304, ""]);
});

test("discoveryHandler() answers YAML with sorted keys", async () => {
  const { text } = (await ask("/apis/apps", { accept: "application/yaml" }))!;
  assert.equal(
    text,
    "apiVersion: v1\nkind: APIGroup\nname: apps\npreferredVersion:\n  groupVersion: apps/v1\n  version: v1\nversions:\n- groupVersion: apps/v1\n  version: v1\n",
  );
});

test("compareVersions() puts released versions first, later ones before earlier", () => {
  assert.deepEqual(["v1alpha1", "v2beta1", "foo", "v1", "v10", "v2", "v2beta2"].sort(compareVersions), [
    "v10",
    "v2",
    "v1",
    "v2beta2",
    "v2beta1",
    "v1alpha1",
    "foo",
  ]);
});

test("versionHandler() tells the minor versions it is compatible with", async () => {
  const of = versionHandler({ gitVersion: "v1.35.6+skiff", gitCommit: "", buildDate: "", runtime: "node", platform: "linux/amd64" });
  const info = JSON.parse((await ask("/version", {}, { of }))!.text) as Record<string, string>;
  assert.deepEqual([info["major"], info["minor"], info["minCompatibilityMinor"]], ["1", "35", "34"]);
});
