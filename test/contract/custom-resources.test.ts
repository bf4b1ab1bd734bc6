import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { CustomResourceDefinition } from "#api/apiextensions-v1/types.ts";
import { builtin, type Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { isStatus, type StatusError } from "#apimachinery/status-error.ts";
import { Client } from "#client/client.ts";
import { HttpTransport } from "#client/http-transport.ts";
import { systemClock } from "#lib/system-clock.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

const DEFINITIONS = builtin<CustomResourceDefinition>("apiextensions.k8s.io", "v1", "customresourcedefinitions");

interface Thing extends KubeObject {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

let server: TestServer;
let transport: HttpTransport;
let client: Client;

before(async () => {
  server = await startTestServer();
  transport = new HttpTransport({ server: server.url, ca: server.ca, ...server.admin, clock: systemClock });
  client = new Client(transport);
});

after(async () => {
  transport.close();
  await server.close();
});

const SCHEMA = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: {
        colour: { type: "string", maxLength: 5 },
        size: { type: "integer", default: 3 },
        parts: {
          type: "array",
          items: { type: "object", required: ["name"], properties: { name: { type: "string" }, value: { type: "string" } } },
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
        },
      },
    },
    status: { type: "object", properties: { phase: { type: "string" } } },
  },
};

function things(group: string, version = "v1"): Resource<Thing> {
  return { group, version, plural: "things", kind: "Thing", namespaced: true };
}

/** Defines things in a group, and waits until they are served. */
async function define(
  group: string,
  versions: readonly object[] = [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: SCHEMA }, subresources: { status: {} } }],
  more: object = {},
) {
  const name = `things.${group}`;
  const spec = { group, scope: "Namespaced", names: { plural: "things", kind: "Thing" }, versions, ...more };
  await client.create(DEFINITIONS, { metadata: { name }, spec } as never);
  await until(async () => hasCondition(await client.get(DEFINITIONS, { name }), "Established"));
  return name;
}

const hasCondition = ({ status }: CustomResourceDefinition, type: string) =>
  status.conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) if (await holds()) return;
  assert.fail("what was waited for did not come");
}

const create = (resource: Resource<Thing>, name: string, spec: object, more: object = {}) =>
  client.create(resource, { metadata: { namespace: "default", name, ...more }, spec } as never);

test("a definition is served once it is established: defaults come, unknown fields go", async () => {
  await define("pruned.example.com");
  const { spec } = await create(things("pruned.example.com"), "a", { colour: "blue", shape: "round" });
  assert.deepEqual(spec, { colour: "blue", size: 3 });
});

test("an object that its schema does not allow is refused with all that is wrong", async () => {
  await define("refused.example.com");
  const spec = { colour: "turquoise", parts: [{ name: "x" }, { name: "x" }, { value: "y" }] };
  await assert.rejects(create(things("refused.example.com"), "a", spec), (error: StatusError) => {
    assert.deepEqual(error.status.details?.causes?.map(({ field, reason }) => `${field} ${reason}`).sort(), [
      "spec.colour FieldValueTooLong",
      "spec.parts[1] FieldValueDuplicate",
      "spec.parts[2].name FieldValueRequired",
    ]);
    return true;
  });
});

test("what was wrong before an update may stay as long as it does not change", async () => {
  const group = "ratcheted.example.com";
  const name = await define(group);
  const thing = await create(things(group), "a", { colour: "blue", size: 1 });
  const definition = await client.get(DEFINITIONS, { name });
  const [version] = structuredClone(definition.spec.versions) as unknown as readonly [{ schema: { openAPIV3Schema: typeof SCHEMA } }];
  version.schema.openAPIV3Schema.properties.spec.properties.colour.maxLength = 2;
  await client.update(DEFINITIONS, { ...definition, spec: { ...definition.spec, versions: [version] } } as never);
  const changed = await client.update(things(group), { ...thing, spec: { ...thing.spec, size: 2 } });
  assert.deepEqual([changed.spec?.["size"], changed.metadata.generation], [2, 2]);
  await assert.rejects(client.update(things(group), { ...changed, spec: { ...changed.spec, colour: "green" } }), /spec.colour: Too long/);
});

test("a status is written by its own endpoint, and nothing else there", async () => {
  const group = "status.example.com";
  await define(group);
  const thing = await create(things(group), "a", { colour: "red" });
  const answer = await client.updateStatus(things(group), { ...thing, spec: { colour: "blue" }, status: { phase: "Ready" } });
  assert.deepEqual([answer.spec?.["colour"], answer.status, answer.metadata.generation], ["red", { phase: "Ready" }, 1]);
});

test("apply merges lists by their keys", async () => {
  const group = "applied.example.com";
  await define(group);
  const apply = (manager: string, parts: object[]) =>
    client.patch(
      things(group),
      { namespace: "default", name: "a" },
      "apply",
      { apiVersion: `${group}/v1`, kind: "Thing", metadata: { name: "a" }, spec: { parts } },
      { fieldManager: manager },
    );
  await apply("one", [{ name: "x", value: "1" }]);
  const { spec } = await apply("two", [{ name: "y", value: "2" }]);
  assert.deepEqual(spec?.["parts"], [
    { name: "x", value: "1" },
    { name: "y", value: "2" },
  ]);
  await assert.rejects(apply("two", [{ name: "x", value: "3" }]), (error) => isStatus(error, "Conflict"));
});

test("a strategic merge patch is of no type that custom resources take", async () => {
  await define("strategic.example.com");
  const thing = things("strategic.example.com");
  await create(thing, "a", {});
  await assert.rejects(client.patch(thing, { namespace: "default", name: "a" }, "strategic", {}), ({ status }: StatusError) => status.code === 415);
});

test("each version shows what is stored in another", async () => {
  const group = "versions.example.com";
  const other = {
    name: "v2",
    served: true,
    storage: false,
    schema: { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties: { colour: { type: "string" } } } } } },
  };
  await define(group, [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: SCHEMA } }, other]);
  await create(things(group), "a", { colour: "blue", size: 1 });
  const seen = await client.get(things(group, "v2"), { namespace: "default", name: "a" });
  assert.deepEqual([seen.apiVersion, seen.spec], [`${group}/v2`, { colour: "blue" }]);
});

test("the stored version is shown also when the webhook that converts to others is away", async () => {
  const group = "webhook.example.com";
  const versions = ["v1", "v2"].map((name) => ({ name, served: true, storage: name === "v1", schema: { openAPIV3Schema: SCHEMA } }));
  const webhook = { clientConfig: { url: "https://127.0.0.1:1/convert" }, conversionReviewVersions: ["v1"] };
  await define(group, versions, { conversion: { strategy: "Webhook", webhook } });
  await create(things(group), "a", { colour: "blue" });
  const ref = { namespace: "default", name: "a" };
  assert.equal((await client.get(things(group), ref)).spec?.["colour"], "blue");
  await assert.rejects(client.get(things(group, "v2"), ref), /conversion webhook for webhook.example.com\/v1, Kind=Thing failed: Post .* connection refused/);
  await assert.rejects(create(things(group, "v2"), "b", {}), /conversion webhook/);
});

test("a watch ends when the definition changes", async () => {
  const group = "watched.example.com";
  const name = await define(group);
  const ended = Promise.withResolvers<void>();
  const seen = Promise.withResolvers<void>();
  client.watch({ resource: things(group), resourceVersion: "0" }, { onEvent: () => seen.resolve(), onEnd: () => ended.resolve() });
  await create(things(group), "a", {});
  await seen.promise;
  const definition = await client.get(DEFINITIONS, { name });
  await client.update(DEFINITIONS, { ...definition, spec: { ...definition.spec, names: { ...definition.spec.names, shortNames: ["th"] } } });
  await ended.promise;
});

test("a definition that goes takes its objects along, and waits for those that are held", async () => {
  const group = "gone.example.com";
  const name = await define(group);
  await create(things(group), "free", {});
  await create(things(group), "held", {}, { finalizers: ["example.com/hold"] });
  await client.delete(DEFINITIONS, { name });
  await until(async () => (await client.get(DEFINITIONS, { name })).status.conditions?.some(({ reason }) => reason === "InstanceDeletionInProgress") ?? false);
  const { items } = await client.list(things(group));
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ["held"],
  );
  await assert.rejects(create(things(group), "late", {}), /create not allowed while custom resource definition is terminating/);
  await client.patch(things(group), { namespace: "default", name: "held" }, "merge", { metadata: { finalizers: null } });
  await until(async () => (await client.list(DEFINITIONS)).items.every(({ metadata }) => metadata.name !== name));
});

test("a name that another definition has is not given twice", async () => {
  const group = "names.example.com";
  await define(group);
  const spec = {
    group,
    scope: "Cluster",
    names: { plural: "others", kind: "Thing" },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
  };
  await client.create(DEFINITIONS, { metadata: { name: `others.${group}` }, spec } as never);
  const other = () => client.get(DEFINITIONS, { name: `others.${group}` });
  await until(async () => ((await other()).status.conditions?.length ?? 0) > 1);
  const { status } = await other();
  assert.deepEqual(
    status.conditions?.map((condition) => [condition.type, condition.status, condition.reason]),
    [
      ["NamesAccepted", "False", "ListKindConflict"],
      ["Established", "False", "NotAccepted"],
    ],
  );
  await client.delete(DEFINITIONS, { name: `things.${group}` });
  await until(async () => hasCondition(await other(), "Established"));
});
