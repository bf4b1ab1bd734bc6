import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeMessage } from "#apimachinery/protobuf/codec.ts";
import { WireReader } from "#apimachinery/protobuf/wire.ts";
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

test("openApiHandler() gives OpenAPI v3 in protobuf, under both names that clients have for it", async () => {
  const table = {
    messages: {
      Document: {
        fields: [
          { name: "openapi", number: 1, type: "string" },
          { name: "paths", number: 4, type: "Named" },
          { name: "components", number: 5, type: "Components" },
        ],
      },
      Components: { fields: [{ name: "schemas", number: 1, type: "NamedSchemas" }] },
      Named: { fields: [{ name: "entries", number: 1, type: "Entry", repeated: true }] },
      Entry: { fields: [{ name: "name", number: 1, type: "string" }] },
      NamedSchemas: { fields: [{ name: "entries", number: 1, type: "SchemaEntry", repeated: true }] },
      SchemaEntry: {
        fields: [
          { name: "name", number: 1, type: "string" },
          { name: "value", number: 2, type: "SchemaOrReference" },
        ],
      },
      SchemaOrReference: { fields: [{ name: "schema", number: 1, type: "Schema" }] },
      Schema: {
        fields: [
          { name: "required", number: 23, type: "string", repeated: true },
          { name: "type", number: 25, type: "string" },
          { name: "properties", number: 31, type: "Named" },
        ],
      },
    },
  };
  interface Named {
    readonly entries: readonly { readonly name: string }[];
  }
  interface Read {
    readonly openapi: string;
    readonly paths: Named;
    readonly components: {
      readonly schemas: { readonly entries: readonly { name: string; value: { schema: { required: string[]; type: string; properties?: Named } } }[] };
    };
  }
  const { paths, components } = await documentOf("apis/apps/v1");
  for (const accept of ["application/com.github.proto-openapi.spec.v3@v1.0+protobuf", "application/com.github.proto-openapi.spec.v3.v1.0+protobuf"]) {
    const { headers, body } = await ask("/openapi/v3/apis/apps/v1", { accept });
    assert.equal(headers["content-type"], "application/com.github.proto-openapi.spec.v3.v1.0+protobuf");
    const read = decodeMessage<Read>(table, "Document", body as Uint8Array);
    assert.equal(read.openapi, "3.0.0");
    assert.deepEqual(
      read.paths.entries.map(({ name }) => name),
      Object.keys(paths),
    );
    for (const { name, value } of read.components.schemas.entries) {
      const { required = [], properties = {} } = components.schemas[name]!;
      assert.deepEqual([value.schema.required, value.schema.properties?.entries.map((entry) => entry.name) ?? []], [required, Object.keys(properties)], name);
    }
  }
});

const PROTOBUF_V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

interface DocumentV2 {
  readonly paths: Record<string, Record<string, { parameters?: Record<string, unknown>[] }>>;
  readonly definitions: Record<string, Record<string, unknown> & { properties?: Record<string, Record<string, unknown>> }>;
}

const swagger = async () => JSON.parse(Buffer.from((await ask("/openapi/v2")).body as Uint8Array).toString()) as DocumentV2;

test("openApiHandler() gives OpenAPI v2 as upstream does: references alone, no defaults, bodies among the parameters", async () => {
  const { definitions, paths } = await swagger();
  const { description: _, ...containers } = definitions["io.k8s.api.core.v1.PodSpec"]!.properties!["containers"]!;
  assert.deepEqual(containers, {
    type: "array",
    items: { $ref: "#/definitions/io.k8s.api.core.v1.Container" },
    "x-kubernetes-list-map-keys": ["name"],
    "x-kubernetes-list-type": "map",
    "x-kubernetes-patch-merge-key": "name",
    "x-kubernetes-patch-strategy": "merge",
  });
  assert.equal(definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"]!["type"], "string");
  const { post } = paths["/apis/apps/v1/namespaces/{namespace}/deployments"]!;
  assert.deepEqual(post!.parameters, [
    { name: "body", in: "body", required: true, schema: { $ref: "#/definitions/io.k8s.api.apps.v1.Deployment" } },
    ...["dryRun", "fieldManager", "fieldValidation"].map((name) => ({ name, in: "query", type: "string", uniqueItems: true })),
  ]);
});

test("openApiHandler() refers in OpenAPI v2 only to definitions that are there, and lets each type be all its kinds", async () => {
  const document = await swagger();
  const { definitions } = document;
  for (const [, ref] of JSON.stringify(document).matchAll(/"#\/([^"]+)"/g)) assert.ok(Object.hasOwn(definitions, ref!.slice("definitions/".length)), ref!);
  const kinds = (type: string) => definitions[type]!["x-kubernetes-group-version-kind"] as { group: string; version: string }[];
  assert.deepEqual(kinds("io.k8s.api.apps.v1.Deployment"), [{ group: "apps", kind: "Deployment", version: "v1" }]);
  const options = kinds("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions").map(({ group, version }) => `${group}/${version}`);
  assert.ok(options.includes("apps/v1") && options.includes("/v1"));
  assert.equal(new Set(options).size, options.length);
});

test("openApiHandler() gives OpenAPI v2 in protobuf to those who ask for it, by its old name as well", async () => {
  const { definitions, paths } = await swagger();
  for (const accept of [PROTOBUF_V2, PROTOBUF_V2.replace("v2.v1", "v2@v1"), `application/json;q=0.5, ${PROTOBUF_V2}`]) {
    const { headers, body } = await ask("/openapi/v2", { accept });
    assert.equal(headers["content-type"], PROTOBUF_V2);
    const document = fieldsOf(body as Uint8Array);
    assert.deepEqual(textsOf(document.get(1)), ["2.0"]);
    const names = (field: number, inner: number) =>
      fieldsOf(document.get(field)![0]!)
        .get(inner)!
        .flatMap((entry) => textsOf(fieldsOf(entry).get(1)));
    assert.deepEqual(names(8, 2), Object.keys(paths));
    assert.deepEqual(names(9, 1), Object.keys(definitions));
  }
  const { headers } = await ask("/openapi/v2", { accept: PROTOBUF_V2 });
  assert.equal((await ask("/openapi/v2", { accept: "*/*", "if-none-match": headers["etag"]! })).status, 304);
  assert.equal((await ask("/openapi/v2", { accept: "application/yaml" })).status, 406);
});

/** The fields of a message that hold bytes. */
function fieldsOf(bytes: Uint8Array): Map<number, Uint8Array[]> {
  const fields = new Map<number, Uint8Array[]>();
  for (const reader = new WireReader(bytes); !reader.done; ) {
    const tag = reader.uint();
    if (tag % 8 === 2) fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), reader.bytes()]);
    else reader.uint();
  }
  return fields;
}

const textsOf = (values: readonly Uint8Array[] | undefined) => (values ?? []).map((value) => Buffer.from(value).toString());
