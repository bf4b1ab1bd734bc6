import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { request } from "node:https";
import { after, before, test } from "node:test";

import { encodeProtobufObject, protobufObject } from "#api/schema/protobuf-object.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

const PROTOBUF = "application/vnd.kubernetes.protobuf";

let server: TestServer;
before(async () => void (server = await startTestServer()));
after(() => server.close());

interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function send(method: string, path: string, body?: Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
  const { url, ca, admin } = server;
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, url), {
      method,
      ca,
      ...admin,
      headers: { accept: PROTOBUF, ...(body && { "content-type": PROTOBUF, "content-length": body.length }), ...headers },
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ code: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
    });
    sent.end(body);
  });
}

interface Json {
  readonly [name: string]: unknown;
  readonly metadata: Readonly<Record<string, string>>;
  readonly items: readonly Json[];
}

const read = ({ body }: Pick<Answer, "body">): Json => protobufObject(body).value as unknown as Json;
const configMap = (name: string, data: object = {}) =>
  encodeProtobufObject({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels: { set: "a" } }, data });
const PATH = "/api/v1/namespaces/default/configmaps";

test("an object is created, read, updated and deleted in protobuf", async () => {
  const created = await send("POST", PATH, configMap("one", { colour: "blue" }));
  assert.deepEqual([created.code, created.headers["content-type"]], [201, PROTOBUF]);
  assert.deepEqual(read(created)["data"], { colour: "blue" });
  const found = read(await send("GET", `${PATH}/one`));
  assert.equal(found.metadata["uid"], read(created).metadata["uid"]);
  const updated = await send("PUT", `${PATH}/one`, encodeProtobufObject({ ...found, data: { colour: "red" } }));
  assert.deepEqual([updated.code, read(updated)["data"]], [200, { colour: "red" }]);
  const gone = await send("DELETE", `${PATH}/one`, encodeProtobufObject({ apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background" }));
  assert.deepEqual([gone.code, read(gone)["kind"], read(gone)["status"]], [200, "Status", "Success"]);
});

test("a list in protobuf has the items and metadata of one in JSON", async () => {
  for (const name of ["l1", "l2", "l3"]) await send("POST", PATH, configMap(name));
  const list = read(await send("GET", `${PATH}?limit=2&labelSelector=set%3Da`));
  const json = JSON.parse((await send("GET", `${PATH}?limit=2&labelSelector=set%3Da`, undefined, { accept: "application/json" })).body.toString()) as Json;
  assert.deepEqual([list["kind"], list["apiVersion"]], ["ConfigMapList", "v1"]);
  assert.deepEqual(
    list.items.map(({ metadata }: Json) => [metadata["name"], metadata["uid"]]),
    json.items.map(({ metadata }: Json) => [metadata["name"], metadata["uid"]]),
  );
  assert.deepEqual(list.metadata["continue"], json.metadata["continue"]);
});

test("a watch in protobuf tells each event in a frame that says its length", async () => {
  await send("POST", PATH, configMap("watched"));
  const { headers, body } = await send("GET", `${PATH}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dwatched`);
  assert.equal(headers["content-type"], `${PROTOBUF};stream=watch`);
  const events: object[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 4 + body.readUInt32BE(at);
    events.push(readFrame(body.subarray(at + 4, end)));
    at = end;
  }
  assert.deepEqual(events, [{ type: "ADDED", kind: "ConfigMap", name: "watched" }]);
});

/** A WatchEvent: its type is field 1, and field 2 holds the object's envelope in field 1. */
function readFrame(frame: Buffer): object {
  const typeEnd = 2 + frame[1]!;
  const object = frame.subarray(frame.indexOf("k8s\0"));
  const { kind, metadata } = read({ body: object });
  return { type: frame.toString("utf8", 2, typeEnd), kind, name: metadata["name"] };
}

test("metadata alone comes in protobuf, a Table does not", async () => {
  await send("POST", PATH, configMap("meta", { big: "x" }));
  const as = (kind: string) => ({ accept: `${PROTOBUF};as=${kind};g=meta.k8s.io;v=v1` });
  const partial = read(await send("GET", `${PATH}/meta`, undefined, as("PartialObjectMetadata")));
  assert.deepEqual([partial["kind"], partial.metadata["name"], partial["data"]], ["PartialObjectMetadata", "meta", undefined]);
  const list = read(await send("GET", PATH, undefined, as("PartialObjectMetadataList")));
  assert.equal(list["kind"], "PartialObjectMetadataList");
  assert.ok(list.items.length > 0);
  assert.equal((await send("GET", PATH, undefined, as("Table"))).code, 406);
  const either = await send("GET", PATH, undefined, { accept: `${as("Table").accept},application/json` });
  assert.deepEqual([either.code, either.headers["content-type"]], [200, "application/json"]);
});

test("errors are told in protobuf, and bodies that are none are refused", async () => {
  const missing = await send("GET", `${PATH}/missing`);
  assert.deepEqual([missing.code, read(missing)["reason"]], [404, "NotFound"]);
  const garbage = await send("POST", PATH, Buffer.from("hello world"));
  const why =
    "the object provided is unrecognized (must be of type ConfigMap): provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]";
  assert.deepEqual([garbage.code, read(garbage)["message"]], [400, `${why} (68656c6c6f20776f726c64)`]);
  const cut = configMap("cut").subarray(0, 40);
  assert.equal((await send("POST", PATH, cut)).code, 400);
});

test("discovery comes in protobuf, aggregated too, with a hash that saves sending it again", async () => {
  const resources = read(await send("GET", "/api/v1"));
  assert.ok(
    (resources["resources"] as readonly { name: string; verbs: readonly string[] }[]).some(({ name, verbs }) => name === "pods" && verbs.includes("watch")),
  );
  const accept = `${PROTOBUF};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`;
  const groups = await send("GET", "/apis", undefined, { accept });
  assert.equal(groups.headers["content-type"], accept);
  assert.equal(read(groups)["kind"], "APIGroupDiscoveryList");
  assert.ok(groups.body.includes("deployments"));
  const again = await send("GET", "/apis", undefined, { accept, "if-none-match": String(groups.headers.etag) });
  assert.deepEqual([again.code, again.body.length], [304, 0]);
});

test("custom resources have no protobuf but for their metadata", async () => {
  const json = { accept: "application/json", "content-type": "application/json" };
  const names = { plural: "things", singular: "thing", kind: "Thing", listKind: "ThingList" };
  const version = { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } };
  const definition = { metadata: { name: "things.example.com" }, spec: { group: "example.com", scope: "Cluster", names, versions: [version] } };
  const created = await send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", Buffer.from(JSON.stringify(definition)), json);
  assert.equal(created.code, 201, created.body.toString());
  const things = "/apis/example.com/v1/things";
  const thing = Buffer.from(JSON.stringify({ apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "one" } }));
  while ((await send("POST", things, thing, json)).code === 404) await new Promise(setImmediate);
  for (const path of [`${things}/one`, things, `${things}?watch=1&timeoutSeconds=1`]) {
    const { code, headers } = await send("GET", path);
    assert.deepEqual([code, headers["content-type"]], [406, PROTOBUF], path);
    const either = await send("GET", path, undefined, { accept: `${PROTOBUF},application/json` });
    assert.deepEqual([either.code, either.headers["content-type"]], [200, "application/json"], path);
  }
  const partial = read(await send("GET", `${things}/one`, undefined, { accept: `${PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1` }));
  assert.deepEqual([partial["kind"], partial.metadata["name"]], ["PartialObjectMetadata", "one"]);
});
