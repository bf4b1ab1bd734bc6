import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import { after, before, test } from "node:test";

import { LOOPBACK_USER } from "#apiserver/user.ts";
import { createMemoryStore } from "#storage/memory/memory-store.ts";
import { type ExtensionServer, GROUP, startExtensionServer, VERSION } from "#test/aggregation/extension-server.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

const APIS = "/apis/apiregistration.k8s.io/v1/apiservices";
const NAME = `${VERSION}.${GROUP}`;
const ROOT = `/apis/${GROUP}/${VERSION}`;
const FLUNDERS = `${ROOT}/namespaces/default/flunders`;

let server: TestServer;
let extension: ExtensionServer;
before(async () => {
  server = await startTestServer();
  const map = (await send("GET", "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication")).body;
  extension = await startExtensionServer(await server.pki.serving("wardle.default.svc"), map.data);
});
after(async () => {
  await extension.close();
  await server.close();
});

interface Answer {
  readonly code: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

interface Options {
  readonly body?: object;
  readonly headers?: Record<string, string | string[]>;
  readonly identity?: object;
}

function open(method: string, path: string, { body, headers = {}, identity = server.admin }: Options = {}): Promise<IncomingMessage> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = { ...(text !== undefined && { "content-type": "application/json" }), ...headers };
    const request = https.request(server.url + path, { method, ca: server.ca, ...identity, agent: false, headers: sent }, resolve);
    request.once("error", reject);
    request.end(text);
  });
}

async function send(method: string, path: string, options: Options = {}): Promise<Answer> {
  const response = await open(method, path, options);
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const isJson = (response.headers["content-type"] ?? "").startsWith("application/json");
  return { code: response.statusCode!, headers: response.headers, text, body: isJson && text !== "" ? JSON.parse(text) : undefined };
}

/** Asks until it is so. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

const available = async (name = NAME) => (await send("GET", `${APIS}/${name}`)).body.status?.conditions?.[0];
const becomes = (reason: string, name = NAME) => until(async () => (await available(name))?.reason === reason);

const apiService = (more: object = {}) => ({
  apiVersion: "apiregistration.k8s.io/v1",
  kind: "APIService",
  metadata: { name: NAME },
  spec: {
    group: GROUP,
    version: VERSION,
    groupPriorityMinimum: 2000,
    versionPriority: 10,
    caBundle: Buffer.from(server.ca).toString("base64"),
    service: { name: "wardle", namespace: "default", port: extension.port },
    ...more,
  },
});

test("custom resources have an APIService for each version that is served, which is kept", async () => {
  const names = { plural: "things", kind: "Thing" };
  const schema = { openAPIV3Schema: { type: "object" } };
  const versions = [
    { name: "v1", served: true, storage: true, schema },
    { name: "v2", served: true, storage: false, schema },
  ];
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "things.kept.example.com" },
    spec: { group: "kept.example.com", names, scope: "Namespaced", versions },
  };
  const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  assert.equal((await send("POST", definitions, { body: definition })).code, 201);
  await until(async () => (await send("GET", `${APIS}/v2.kept.example.com`)).code === 200);
  const kept = (await send("GET", `${APIS}/v1.kept.example.com`)).body;
  assert.deepEqual(kept.spec, { group: "kept.example.com", version: "v1", groupPriorityMinimum: 1000, versionPriority: 100 });
  assert.deepEqual(kept.metadata.labels, { "kube-aggregator.kubernetes.io/automanaged": "true" });
  assert.equal((await available("v1.kept.example.com")).reason, "Local");
  await send("DELETE", `${APIS}/v1.kept.example.com`);
  await until(async () => {
    const { code, body } = await send("GET", `${APIS}/v1.kept.example.com`);
    return code === 200 && body.metadata.uid !== kept.metadata.uid;
  });
  await send("DELETE", `${definitions}/things.kept.example.com`);
  await until(async () => (await send("GET", `${APIS}/v1.kept.example.com`)).code === 404);
  await until(async () => (await send("GET", `${APIS}/v2.kept.example.com`)).code === 404);
});

test("of the versions that an earlier server had itself, and this one has not, no APIService is left", async () => {
  const store = createMemoryStore();
  const resource = { group: "apiregistration.k8s.io", version: "v1", plural: "apiservices" };
  const spec = { group: "old.example.com", version: "v9", groupPriorityMinimum: 1, versionPriority: 1 };
  const earlier = await startTestServer({ store });
  for (const [name, label] of [
    ["v9", "onstart"],
    ["v8", "own"],
  ] as const) {
    const metadata = { name: `${name}.old.example.com`, labels: { "kube-aggregator.kubernetes.io/automanaged": label } };
    const body = { apiVersion: "apiregistration.k8s.io/v1", kind: "APIService", metadata, spec: { ...spec, version: name } };
    await earlier.server.pipeline.perform({ verb: "create", resource, body }, LOOPBACK_USER);
  }
  await earlier.close();
  const later = await startTestServer({ store });
  try {
    await until(async () => later.server.aggregator.services.get("v9.old.example.com") === undefined);
    assert.ok(later.server.aggregator.services.get("v8.old.example.com"));
    assert.ok(later.server.aggregator.services.get("v1.apps"));
  } finally {
    await later.close();
  }
});

test("an APIService tells what is missing behind it, and its requests are answered with 503", async () => {
  assert.equal((await send("POST", APIS, { body: apiService() })).code, 201);
  await becomes("ServiceNotFound");
  assert.equal((await available()).message, 'service/wardle in "default" is not present');
  const metrics = (await send("GET", "/metrics")).text;
  assert.ok(
    metrics.includes(`aggregator_unavailable_apiservice{name="${NAME}"} 1\n`) && metrics.includes('aggregator_unavailable_apiservice{name="v1.apps"} 0\n'),
  );
  const { code, text, headers } = await send("GET", FLUNDERS);
  assert.deepEqual([code, text, headers["content-type"]], [503, "service unavailable\n", "text/plain; charset=utf-8"]);
  const services = "/api/v1/namespaces/default/services";
  const service = { apiVersion: "v1", kind: "Service", metadata: { name: "wardle" }, spec: { ports: [{ name: "api", port: 1 }] } };
  await send("POST", services, { body: service });
  await becomes("ServicePortError");
  assert.equal((await available()).message, `service/wardle in "default" is not listening on port ${extension.port}`);
  await send("PATCH", `${services}/wardle`, {
    body: { spec: { ports: [{ name: "api", port: extension.port }] } },
    headers: { "content-type": "application/merge-patch+json" },
  });
  await becomes("EndpointsNotFound");
  assert.equal((await available()).message, 'cannot find endpointslices for service/wardle in "default"');
  const slice = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4", ports: [{ name: "api", port: 1 }] };
  const labels = { "kubernetes.io/service-name": "wardle" };
  const endpoints = [{ addresses: ["10.0.0.1"], conditions: { ready: false } }];
  await send("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", { body: { ...slice, metadata: { name: "w", labels }, endpoints } });
  await becomes("MissingEndpoints");
  assert.equal((await available()).message, 'endpointslices for service/wardle in "default" have no addresses with port name "api"');
  const listed = (await send("GET", "/apis")).body.groups as { name: string }[];
  assert.ok(listed.some(({ name }) => name === GROUP));
  await send("DELETE", `${services}/wardle`);
  await becomes("ServiceNotFound");
  await send("POST", services, { body: { ...service, spec: { type: "ExternalName", externalName: "localhost" } } });
  await becomes("Passed");
});

test("requests reach the extension server as the user's, by the front proxy's word, and nobody else's", async () => {
  await becomes("Passed");
  const flunder = { apiVersion: `${GROUP}/${VERSION}`, kind: "Flunder", metadata: { name: "a" }, spec: { reference: "x" } };
  const forged = { "x-remote-user": "root", "x-remote-group": "system:masters", "x-remote-extra-a": "b", "audit-id": "my-id" };
  const asked = { ...forged, "impersonate-user": "jane", "impersonate-group": ["system:masters", "cats, dogs"], "impersonate-extra-team%2fof": "blue" };
  const made = await send("POST", FLUNDERS, { body: flunder, headers: asked });
  assert.deepEqual([made.code, made.body.spec, made.headers["audit-id"]], [201, { reference: "x" }, "my-id"]);
  const { user, groups, headers } = extension.asked.findLast(({ method }) => method === "POST")!;
  assert.equal(user, "jane");
  assert.deepEqual(groups, ["system:masters", "cats, dogs", "system:authenticated"]);
  assert.deepEqual([headers["x-remote-extra-team%2fof"], headers["x-remote-extra-a"], headers["impersonate-user"]], ["blue", undefined, undefined]);
  assert.deepEqual([headers["audit-id"], headers["x-forwarded-for"], headers["authorization"]], ["my-id", "127.0.0.1", undefined]);
  assert.equal((await send("GET", `${FLUNDERS}/a`)).body.metadata.name, "a");
  const missing = await send("GET", `${FLUNDERS}/none`);
  assert.deepEqual([missing.code, missing.body.reason], [404, "NotFound"]);
  const direct = https.request(`https://127.0.0.1:${extension.port}${FLUNDERS}`, { rejectUnauthorized: false, ...server.admin, agent: false, headers: forged });
  direct.end();
  const [refused] = (await once(direct, "response")) as [IncomingMessage];
  refused.resume();
  assert.equal(refused.statusCode, 401);
});

test("requests are authorized before they are handed on", async () => {
  const before = extension.asked.length;
  const nobody = await server.client("nobody");
  const { code, body } = await send("GET", FLUNDERS, { identity: nobody });
  assert.deepEqual(
    [code, body.message],
    [403, `flunders.${GROUP} is forbidden: User "nobody" cannot list resource "flunders" in API group "${GROUP}" in the namespace "default"`],
  );
  assert.equal(extension.asked.slice(before).filter(({ user }) => user === "nobody").length, 0);
});

test("a watch of an extension server's objects shows them as they come, and ends there when its client goes", async () => {
  await becomes("Passed");
  const watch = await open("GET", `${FLUNDERS}?watch=true&resourceVersion=1`);
  assert.equal(watch.statusCode, 200);
  const flunder = { apiVersion: `${GROUP}/${VERSION}`, kind: "Flunder", metadata: { name: "seen" } };
  await send("POST", FLUNDERS, { body: flunder });
  const [chunk] = (await once(watch, "data")) as [Buffer];
  const { type, object } = JSON.parse(chunk.toString());
  assert.deepEqual([type, object.metadata.name], ["ADDED", "seen"]);
  assert.equal(extension.watching(), 1);
  watch.destroy();
  await until(async () => extension.watching() === 0);
});

test("a connection through to an extension server changes its protocol", async () => {
  await becomes("Passed");
  const request = https.request(`${server.url}${FLUNDERS}/a/shell`, {
    ca: server.ca,
    ...server.admin,
    agent: false,
    headers: { connection: "Upgrade", upgrade: "echo/1" },
  });
  request.end();
  const [response, socket, head] = (await once(request, "upgrade")) as [IncomingMessage, Duplex, Buffer];
  assert.equal(response.headers.upgrade, "echo/1");
  let text = head.toString();
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  socket.write("and back\n");
  while (!text.includes("and back\n")) await once(socket, "data");
  assert.equal(text, "hello admin\nand back\n");
  socket.destroy();
});

test("discovery has the extension server's resources, in one document and by group and version", async () => {
  await becomes("Passed");
  const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  const found = async () => {
    const items = (await send("GET", "/apis", { headers: { accept } })).body.items as {
      metadata: { name: string };
      versions: { freshness: string; resources: { resource: string }[] }[];
    }[];
    return items.find(({ metadata }) => metadata.name === GROUP)!.versions[0]!;
  };
  await until(async () => (await found()).freshness === "Current");
  assert.deepEqual(
    (await found()).resources.map(({ resource }) => resource),
    ["flunders"],
  );
  const group = await send("GET", `/apis/${GROUP}`);
  assert.equal(group.body.preferredVersion.version, VERSION);
  assert.equal((await send("GET", ROOT)).body.resources[0].name, "flunders");
  const names = ((await send("GET", "/apis")).body.groups as { name: string }[]).map(({ name }) => name);
  assert.equal(names.indexOf(GROUP), names.length - 1, "behind what has a higher priority");
  await send("PATCH", `${APIS}/${NAME}`, { body: { spec: { groupPriorityMinimum: 17_850 } }, headers: { "content-type": "application/merge-patch+json" } });
  const moved = ((await send("GET", "/apis")).body.groups as { name: string }[]).map(({ name }) => name);
  assert.deepEqual(moved.slice(0, 3), ["apiregistration.k8s.io", GROUP, "apps"]);
});

test("an extension server without aggregated discovery is asked for its list of resources", async () => {
  extension.hasAggregatedDiscovery = false;
  try {
    await send("PATCH", `${APIS}/${NAME}`, { body: { spec: { versionPriority: 11 } }, headers: { "content-type": "application/merge-patch+json" } });
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const before = extension.asked.length;
    await until(async () => extension.asked.slice(before).some(({ path, headers }) => path === ROOT && headers.accept === "application/json"));
    await until(async () => {
      const items = (await send("GET", "/apis", { headers: { accept } })).body.items as { metadata: { name: string }; versions: { resources: object[] }[] }[];
      const [flunders] = items.find(({ metadata }) => metadata.name === GROUP)!.versions[0]!.resources as { shortNames: string[]; scope: string }[];
      return flunders?.scope === "Namespaced" && flunders.shortNames[0] === "fl";
    });
  } finally {
    extension.hasAggregatedDiscovery = true;
  }
});

test("components of the server list and delete what an extension server keeps in a namespace", async () => {
  await becomes("Passed");
  const { aggregator } = server.server;
  await until(async () => aggregator.contents.unknown.length === 0);
  const [flunders] = aggregator.contents.resources;
  assert.deepEqual([flunders?.group, flunders?.plural, flunders?.kind], [GROUP, "flunders", "Flunder"]);
  const namespace = "doomed";
  const path = `${ROOT}/namespaces/${namespace}/flunders`;
  for (const name of ["a", "b"]) await send("POST", path, { body: { apiVersion: `${GROUP}/${VERSION}`, kind: "Flunder", metadata: { name } } });
  const list = async () => ((await aggregator.perform({ verb: "list", resource: flunders!, namespace })) as { items: { metadata: { name: string } }[] }).items;
  assert.deepEqual(
    (await list()).map(({ metadata }) => metadata.name),
    ["a", "b"],
  );
  await aggregator.perform({ verb: "deletecollection", resource: flunders!, namespace });
  assert.deepEqual(await list(), []);
  await assert.rejects(aggregator.perform({ verb: "get", resource: flunders!, namespace, name: "a" })!, {
    message: `flunders.${GROUP} "a" not found`,
    code: 404,
  });
  assert.equal(aggregator.perform({ verb: "list", resource: { group: "", version: "v1", plural: "pods" } }), undefined);
});

test("OpenAPI has the extension server's documents", async () => {
  await becomes("Passed");
  const url = async () => (await send("GET", "/openapi/v3")).text;
  await until(async () => Object.hasOwn((JSON.parse(await url()) as { paths: object }).paths, ROOT.slice(1)));
  const { paths } = JSON.parse(await url()) as { paths: Record<string, { serverRelativeURL: string }> };
  assert.equal(paths[ROOT.slice(1)]!.serverRelativeURL, `/openapi/v3${ROOT}?hash=ABC`);
  assert.ok(paths["apis/apps/v1"]);
  const document = await send("GET", `/openapi/v3${ROOT}?hash=ABC`);
  assert.equal(document.body.info.title, "Wardle");
  const swagger = (await send("GET", "/openapi/v2")).body;
  assert.deepEqual(
    Object.keys(swagger.paths).filter((path) => path.includes(GROUP)),
    [`${ROOT}/namespaces/{namespace}/flunders`],
  );
  assert.ok(swagger.definitions["com.example.wardle.v1alpha1.Flunder"] && swagger.definitions["io.k8s.api.core.v1.Pod"]);
  assert.equal(swagger.definitions["io.k8s.not.Used"], undefined);
});

test("a redirection by an extension server is not passed on", async () => {
  const { code, text, headers } = await send("GET", `${ROOT}/elsewhere/away`);
  assert.deepEqual([code, text, headers.location], [502, "the backend attempted to redirect this request, which is not permitted", undefined]);
});

test("an extension server whose certificate nobody vouches for is not asked", async () => {
  const patch = (spec: object) => send("PATCH", `${APIS}/${NAME}`, { body: { spec }, headers: { "content-type": "application/merge-patch+json" } });
  const { ca } = server.pki.frontProxy;
  await patch({ caBundle: Buffer.from(ca).toString("base64") });
  const { code, text } = await send("GET", FLUNDERS);
  assert.deepEqual([code, text], [503, "error trying to reach service: tls: failed to verify certificate: x509: certificate signed by unknown authority\n"]);
  await patch({ caBundle: null, insecureSkipTLSVerify: true });
  assert.equal((await send("GET", FLUNDERS)).code, 200);
});

test("a front proxy's word on who asks is believed, and no one else's", async () => {
  const whoami = async (identity: object, headers: Record<string, string | string[]>) => {
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
    const { code, body } = await send("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", { body: review, identity, headers });
    return [code, body?.status?.userInfo];
  };
  const named = { "x-remote-user": "jane", "x-remote-uid": "u1", "x-remote-group": ["a", "b,c"], "x-remote-extra-team%2fof": "blue" };
  assert.deepEqual(await whoami(server.pki.frontProxy.client, named), [
    201,
    { username: "jane", uid: "u1", groups: ["a", "b,c", "system:authenticated"], extra: { "team/of": ["blue"] } },
  ]);
  const [code, admin] = await whoami(server.admin, named);
  assert.deepEqual([code, (admin as { username: string }).username], [201, "admin"]);
  assert.equal((await whoami(server.pki.frontProxy.client, {}))[0], 401);
});

test("a certificate that nobody vouches for is refused, where none at all is anonymous", async () => {
  const stranger = await startTestServer({ bare: true });
  try {
    assert.equal((await send("GET", "/livez", { identity: stranger.admin })).code, 401);
    assert.equal((await send("GET", "/livez", { identity: {} })).code, 200);
  } finally {
    await stranger.close();
  }
});

test("an extension server that is gone is told of, and its group goes with its APIService", async () => {
  await extension.close();
  await send("PATCH", `${APIS}/${NAME}`, { body: { spec: { versionPriority: 12 } }, headers: { "content-type": "application/merge-patch+json" } });
  await becomes("FailedDiscoveryCheck");
  const { message } = await available();
  const url = `https://localhost:${extension.port}${ROOT}`;
  assert.match(message, new RegExp(`^failing or missing response from ${url}: Get "${url}": dial tcp .*: connect: connection refused$`));
  assert.equal((await send("GET", FLUNDERS)).code, 503);
  assert.equal((await send("DELETE", `${APIS}/${NAME}`)).code, 200);
  assert.equal((await send("GET", `/apis/${GROUP}`)).code, 404);
  assert.equal((await send("GET", FLUNDERS)).code, 404);
  const listed = (await send("GET", "/apis")).body.groups as { name: string }[];
  assert.ok(!listed.some(({ name }) => name === GROUP));
});
