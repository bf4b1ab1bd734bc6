import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import https from "node:https";

import { encodeProtobufObject } from "#api/schema/protobuf-object.ts";
import { toYaml } from "#apiserver/http/yaml.ts";
import { SimClock } from "#lib/sim-clock.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

import { Auditor } from "./auditor.ts";
import type { Policy } from "./policy.ts";

const policy: Policy = {
  omitManagedFields: true,
  rules: [
    { level: "None", users: ["quiet"] },
    { level: "RequestResponse", resources: [{ resources: ["configmaps"] }] },
    { level: "Request", resources: [{ resources: ["namespaces"] }], omitStages: ["RequestReceived"] },
    { level: "Metadata" },
  ],
};

interface Event {
  readonly stage: string;
  readonly [field: string]: unknown;
}

let server: TestServer;
let lines: string[] = [];
before(async () => {
  const auditor = new Auditor({ policy, clock: new SimClock(Date.UTC(2026, 0, 1)), write: (line) => void lines.push(line) });
  server = await startTestServer({ bare: true, auditor });
});
after(() => server.close());

/** The events of one request. */
async function eventsOf(method: string, path: string, body?: object, headers: Record<string, string> = {}, identity: object = server.admin): Promise<Event[]> {
  lines = [];
  const options = { method, ca: server.ca, ...identity, agent: false, headers: { "content-type": "application/json", "user-agent": "t/1", ...headers } };
  await new Promise((resolve, reject) => {
    const request = https.request(server.url + path, options, (response) => response.resume().once("end", resolve));
    request.on("error", reject).end(body instanceof Uint8Array ? body : body && JSON.stringify(body));
  });
  while (!lines.some((line) => line.includes('"ResponseComplete"'))) await new Promise((resolve) => setImmediate(resolve));
  return lines.map((line) => JSON.parse(line) as Event);
}

const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { a: "b" } };

test("Auditor writes a creation's two stages, with bodies and the decision", async () => {
  const [received, complete, ...more] = await eventsOf("POST", "/api/v1/namespaces/a/configmaps?fieldManager=me", map, { "audit-id": "mine" });
  assert.deepEqual(more, []);
  const { user, ...fields } = received!;
  const common = {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    auditID: "mine",
    requestURI: "/api/v1/namespaces/a/configmaps?fieldManager=me",
    verb: "create",
    sourceIPs: ["127.0.0.1"],
    userAgent: "t/1",
    objectRef: { resource: "configmaps", namespace: "a", apiVersion: "v1" },
    requestReceivedTimestamp: "2026-01-01T00:00:00.000000Z",
    stageTimestamp: "2026-01-01T00:00:00.000000Z",
  };
  assert.deepEqual(fields, { ...common, stage: "RequestReceived" });
  assert.ok((user as { groups: string[] }).groups.includes("system:masters"));
  const { responseObject, user: _, annotations, ...rest } = complete!;
  assert.deepEqual(rest, { ...common, stage: "ResponseComplete", responseStatus: { metadata: {}, code: 201 }, requestObject: map });
  const { metadata } = responseObject as { metadata: { name: string; uid: string; managedFields?: object } };
  assert.deepEqual([metadata.name, typeof metadata.uid, metadata.managedFields], ["c", "string", undefined]);
  assert.equal((annotations as Record<string, string>)["authorization.k8s.io/decision"], "allow");
});

for (const [format, contentType, encode] of [
  ["YAML", "application/yaml", (object: object) => Buffer.from(toYaml(object))],
  ["protobuf", "application/vnd.kubernetes.protobuf", encodeProtobufObject],
] as const) {
  test(`Auditor writes bodies in ${format} as the JSON that they stand for`, async () => {
    const object = { ...map, metadata: { name: `in-${format.toLowerCase()}` } };
    const headers = { "content-type": contentType, accept: contentType };
    const [, complete] = await eventsOf("POST", "/api/v1/namespaces/a/configmaps", encode(object), headers);
    const { requestObject, responseObject, responseStatus } = complete as unknown as Record<string, { code: number; kind: string; data: object }>;
    assert.deepEqual([responseStatus!.code, requestObject], [201, object]);
    assert.deepEqual([responseObject!.kind, responseObject!.data], ["ConfigMap", { a: "b" }]);
  });
}

test("Auditor keeps bodies back where the level is lower, and leaves stages out", async () => {
  const [only, ...more] = await eventsOf("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "n" } });
  assert.deepEqual(
    [more.length, only!.stage, only!.level, "requestObject" in only!, "responseObject" in only!],
    [0, "ResponseComplete", "Request", true, false],
  );
  const secrets = await eventsOf("GET", "/api/v1/secrets");
  assert.deepEqual(
    secrets.map(({ stage, verb, objectRef, requestObject, responseObject }) => [stage, verb, objectRef, requestObject, responseObject]),
    ["RequestReceived", "ResponseComplete"].map((stage) => [stage, "list", { resource: "secrets", apiVersion: "v1" }, undefined, undefined]),
  );
});

test("Auditor tells how a request failed", async () => {
  const [, missing] = await eventsOf("GET", "/api/v1/namespaces/a/configmaps/none");
  const { code, reason, status } = missing!["responseStatus"] as { code: number; reason: string; status: string };
  assert.deepEqual([code, reason, status], [404, "NotFound", "Failure"]);
  const [, strange] = await eventsOf("GET", "/api/v1/pods", undefined, { authorization: "Bearer nobody" }, {});
  assert.equal((strange!["responseStatus"] as { code: number }).code, 401);
});

test("Auditor tells who a user pretends to be, of a watch when it starts and ends, and of paths", async () => {
  const [received] = await eventsOf("GET", "/api/v1/pods", undefined, { "impersonate-user": "bob" });
  assert.equal((received!["impersonatedUser"] as { username: string }).username, "bob");
  const watch = await eventsOf("GET", "/api/v1/pods?watch=1&timeoutSeconds=1");
  assert.deepEqual(
    watch.map(({ stage, verb }) => [stage, verb]),
    ["RequestReceived", "ResponseStarted", "ResponseComplete"].map((stage) => [stage, "watch"]),
  );
  const [path] = await eventsOf("GET", "/version");
  assert.deepEqual([path!["requestURI"], path!["objectRef"], path!["verb"]], ["/version", undefined, "get"]);
});

test("Auditor writes nothing of whom the policy leaves out", async () => {
  const later = eventsOf("GET", "/version");
  await later;
  lines = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const options = { ca: server.ca, ...server.admin, agent: false, headers: { "impersonate-user": "quiet" } };
  https.get(`${server.url}/api/v1/pods`, options, (response) => response.resume().once("end", resolve));
  await promise;
  await eventsOf("GET", "/healthz");
  assert.ok(!lines.some((line) => line.includes("quiet")));
});
