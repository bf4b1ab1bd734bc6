import assert from "node:assert/strict";
import { test } from "node:test";

import { ALL_KINDS } from "#api/resources.ts";
import { openApiHandler } from "#apiserver/openapi/handler.ts";
import type { PlainResponse } from "#apiserver/http/plain.ts";
import { ANONYMOUS } from "#apiserver/user.ts";

const served = ALL_KINDS.filter(({ servedByDefault }) => servedByDefault);
const handler = openApiHandler({ kinds: () => served, release: "v1.35.6" });

async function ask(url: string, headers: Record<string, string> = {}): Promise<PlainResponse> {
  const { pathname, searchParams } = new URL(url, "https://127.0.0.1");
  return (await handler({ method: "GET", path: pathname, query: searchParams, headers, user: ANONYMOUS }))!;
}

interface Document {
  readonly paths: Record<string, Record<string, { parameters?: { name: string }[]; operationId: string }>>;
  readonly components: { readonly schemas: Record<string, { properties?: Record<string, Record<string, unknown>>; required?: string[] }> };
}

const documentOf = async (name: string) => JSON.parse(String((await ask(`/openapi/v3/${name}`)).body)) as Document;

test("openApiHandler() lists every group version with a hash that its document answers to", async () => {
  const { paths } = JSON.parse(String((await ask("/openapi/v3")).body)) as { paths: Record<string, { serverRelativeURL: string }> };
  for (const name of ["api", "api/v1", "apis/apps", "apis/apps/v1", "version"]) assert.ok(name in paths, name);
  const url = paths["apis/apps/v1"]!.serverRelativeURL;
  const answer = await ask(url);
  assert.match(answer.headers["cache-control"]!, /immutable/);
  assert.equal((await ask("/openapi/v3/apis/apps/v1?hash=OLD")).headers["location"], url);
  assert.equal((await ask(url, { "if-none-match": answer.headers["etag"]! })).status, 304);
});

test("openApiHandler() describes a field as upstream does", async () => {
  const { components } = await documentOf("apis/apps/v1");
  const spec = components.schemas["io.k8s.api.core.v1.PodSpec"]!;
  assert.deepEqual(spec.required, ["containers"]);
  const { description: _, ...containers } = spec.properties!["containers"]!;
  assert.deepEqual(containers, {
    type: "array",
    items: { default: {}, allOf: [{ $ref: "#/components/schemas/io.k8s.api.core.v1.Container" }] },
    "x-kubernetes-list-map-keys": ["name"],
    "x-kubernetes-list-type": "map",
    "x-kubernetes-patch-merge-key": "name",
    "x-kubernetes-patch-strategy": "merge",
  });
});

test("openApiHandler() says that patches take fieldValidation, which kubectl looks for", async () => {
  const { paths } = await documentOf("apis/apps/v1");
  const { patch } = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]!;
  assert.equal(patch!.operationId, "patchAppsV1NamespacedDeployment");
  assert.deepEqual(
    patch!.parameters!.map(({ name }) => name),
    ["dryRun", "fieldManager", "fieldValidation", "force"],
  );
});

test("openApiHandler() refers only to schemas that the document has, and names each operation once", async () => {
  for (const { group, version } of served) {
    const name = group === "" ? `api/${version}` : `apis/${group}/${version}`;
    const text = String((await ask(`/openapi/v3/${name}`)).body);
    const { paths, components } = JSON.parse(text) as Document;
    for (const [, ref] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) assert.ok(Object.hasOwn(components.schemas, ref!), `${name} ${ref}`);
    const ids = Object.values(paths).flatMap((item) => Object.values(item).flatMap(({ operationId }) => operationId ?? []));
    assert.equal(new Set(ids).size, ids.length, name);
  }
});

test("openApiHandler() has nothing for what is not served, and no YAML", async () => {
  assert.deepEqual(await ask("/openapi/v3/apis/nothing.example.com/v1"), { status: 404, headers: {}, body: "" });
  assert.equal((await ask("/openapi/v3/api/v1", { accept: "application/yaml" })).status, 406);
});
