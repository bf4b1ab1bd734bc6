import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, request as httpsRequest, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { after, before, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { WebSocket, WebSocketServer } from "ws";

import type { Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import type { SubresourceHandler } from "#apiserver/registry/subresource.ts";
import { streamingHandlers } from "#apiserver/streaming/handlers.ts";
import { KubeletDialer } from "#apiserver/streaming/kubelet-dialer.ts";
import { kubeletLogQuery } from "#apiserver/streaming/log-options.ts";
import { testPki } from "#test/pki/test-pki.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

let api: TestServer;
let kubelet: Server;
let handlers: () => SubresourceHandler[];
const asked: string[] = [];
const TUNNEL = "SPDY/3.1+portforward.k8s.io";

/** Answers logs, and echoes what comes over a WebSocket. */
async function startKubelet(pki: Awaited<ReturnType<typeof testPki>>): Promise<Server> {
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0]! });
  const server = createServer({ ...pki.server, ca: pki.ca, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    asked.push(request.url ?? "");
    if (request.url?.startsWith("/pages")) return answerPage(request, response);
    if (request.url?.includes("previous")) return void response.writeHead(400).end('previous terminated container "c" not found');
    response.write("one\n");
    if (request.url?.includes("tailLines=13")) return void setImmediate(() => newest!.resetAndDestroy());
    response.end("two\n");
  });
  let newest: Socket | undefined;
  server.on("connection", (socket: Socket) => void (newest = socket));
  server.on("upgrade", (request, socket, head) => {
    asked.push(request.url ?? "");
    if (request.headers["sec-websocket-protocol"] === TUNNEL) {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: ${TUNNEL}\r\n\r\n`);
      socket.on("error", () => {});
      return void socket.pipe(socket);
    }
    sockets.handleUpgrade(request, socket, head, (client) => client.on("message", (data, isBinary) => client.send(data, { binary: isBinary })));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const PAGE = '<a href="/x">ü</a>';

/** A backend of a proxy: pages in several forms, and what it was asked. */
function answerPage(request: IncomingMessage, response: ServerResponse): void {
  const type = { "content-type": "text/html; charset=utf-8", "access-control-allow-origin": "*" };
  switch (request.url) {
    case "/pages/plain":
      return void response.writeHead(200, type).end(PAGE);
    case "/pages/gzip":
      return void response.writeHead(200, { ...type, "content-encoding": "gzip" }).end(gzipSync(PAGE));
    case "/pages/large":
      return void response.writeHead(200, type).end(PAGE.repeat(300_000));
    case "/pages/moved":
      return void response.writeHead(302, { location: "/pages/plain?a=/b" }).end();
    default:
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(request.headers));
  }
}

function readerOf(port: number): ObjectReader {
  const container = (name: string) => ({ name });
  const objects: Record<string, object> = {
    "nodes //n": { status: { addresses: [{ type: "InternalIP", address: "127.0.0.1" }], daemonEndpoints: { kubeletEndpoint: { Port: port } } } },
    "nodes //dead": { status: { addresses: [{ type: "InternalIP", address: "127.0.0.1" }], daemonEndpoints: { kubeletEndpoint: { Port: 1 } } } },
    "pods /ns/one": { spec: { nodeName: "n", containers: [container("c")] } },
    "pods /ns/two": { spec: { nodeName: "n", containers: [container("c"), container("d")], initContainers: [container("i")] } },
    "pods /ns/none": { spec: { containers: [container("c")] } },
    "pods /ns/dead": { spec: { nodeName: "dead", containers: [container("c")] } },
    "pods /ns/lost": { spec: { nodeName: "gone", containers: [container("c")] } },
  };
  return {
    lookup: <T extends KubeObject>({ plural }: Resource<T>, namespace: string, name: string) => {
      const found = objects[`${plural} /${namespace}/${name}`];
      return found === undefined ? undefined : ({ metadata: { namespace, name }, ...found } as unknown as T);
    },
    list: () => [],
  };
}

before(async () => {
  const pki = await testPki();
  kubelet = await startKubelet(pki);
  const tls = { ...(await pki.client("kube-apiserver")), ca: pki.ca };
  const reader = readerOf((kubelet.address() as AddressInfo).port);
  const kubelets = new KubeletDialer(reader, () => tls);
  handlers = () => streamingHandlers({ reader, kubelets, rng: () => 0 });
  api = await startTestServer({ bare: true, subresources: handlers });
});

after(async () => {
  await api.close();
  kubelet.closeAllConnections();
  kubelet.close();
});

async function get(path: string, from: TestServer = api): Promise<{ code: number; text: string }> {
  const request = httpsRequest(`${from.url}/api/v1/namespaces/ns/pods/${path}`, { ca: from.ca, ...from.admin, agent: false });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return { code: response.statusCode!, text: text.startsWith("{") ? (JSON.parse(text) as { message: string }).message : text };
}

for (const { name, path, code, text } of [
  { name: "gives the kubelet's logs", path: "one/log?tailLines=5&follow=true", code: 200, text: "one\ntwo\n" },
  { name: "gives nothing of a pod without a node", path: "none/log", code: 204, text: "" },
  { name: "misses a pod", path: "nothing/log", code: 404, text: 'pods "nothing" not found' },
  { name: "misses a node", path: "lost/log", code: 404, text: 'pods "gone" not found' },
  { name: "wants a container's name", path: "two/log", code: 400, text: "a container name must be specified for pod two, choose one of: [i c d]" },
  { name: "knows the containers", path: "one/log?container=zz", code: 400, text: "container zz is not valid for pod one" },
  { name: "hands on what the kubelet refuses", path: "one/log?previous=true", code: 400, text: 'previous terminated container "c" not found' },
  {
    name: "checks options",
    path: "one/log?tailLines=-1",
    code: 422,
    text: 'PodLogOptions "one" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
  },
  { name: "wants an upgrade to exec", path: "one/exec?command=ls", code: 400, text: "Upgrade request required" },
  { name: "does not exec without a node", path: "none/exec?command=ls", code: 400, text: "pod none does not have a host assigned" },
  { name: "does not proxy to a pod without an address", path: "one/proxy", code: 400, text: "address not allowed" },
]) {
  test(`streamingHandlers() ${name}`, async () => assert.deepEqual(await get(path), { code, text }));
}

const NODE_PROXY = "/api/v1/nodes/n/proxy";

async function page(path: string, headers: Record<string, string> = {}): Promise<{ headers: IncomingMessage["headers"]; bytes: Buffer }> {
  const request = httpsRequest(`${api.url}${NODE_PROXY}${path}`, { ca: api.ca, ...api.admin, agent: false, headers });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return { headers: response.headers, bytes: Buffer.concat(chunks) };
}

test("proxies lead links of pages and redirections through themselves", async () => {
  const want = `<a href="${NODE_PROXY}/x">ü</a>`;
  const plain = await page("/pages/plain");
  assert.deepEqual([plain.bytes.toString(), plain.headers["access-control-allow-origin"]], [want, undefined]);
  assert.equal(gunzipSync((await page("/pages/gzip")).bytes).toString(), want);
  assert.equal((await page("/pages/moved")).headers.location, `${NODE_PROXY}/pages/plain?a=/b`);
  assert.ok((await page("/pages/large")).bytes.equals(Buffer.from(PAGE.repeat(300_000))), "what is no page but a flood goes through as it is");
});

test("proxies tell backends where a request comes from", async () => {
  const told = JSON.parse(
    (await page("/pages/headers", { "x-forwarded-for": "192.0.2.1", authorization: "Bearer x", "x-own": "1" })).bytes.toString(),
  ) as Record<string, string>;
  assert.equal(told["x-forwarded-uri"], `${NODE_PROXY}/pages/headers`);
  assert.equal(told["x-forwarded-for"], "192.0.2.1, 127.0.0.1");
  assert.deepEqual([told["authorization"], told["x-own"], told["host"]], [undefined, "1", new URL(api.url).host]);
});

test("streamingHandlers() tell which kubelet did not answer", async () => {
  const { code, text } = await get("dead/log");
  assert.equal(code, 500);
  assert.match(text, /Get "https:\/\/127\.0\.0\.1:1\/containerLogs\/ns\/dead\/c\?": dial tcp 127\.0\.0\.1:1: connect: connection refused$/);
});

test("streamingHandlers() cut the answer off when the kubelet's connection is reset in the middle of it, and nothing else", async () => {
  await assert.rejects(get("one/log?tailLines=13"), { code: "ECONNRESET" });
  assert.deepEqual(await get("one/log?tailLines=5"), { code: 200, text: "one\ntwo\n" });
});

test("streamingHandlers() join the client's WebSocket with the kubelet's, bytes for bytes", async () => {
  const url = `${api.url.replace("https", "wss")}/api/v1/namespaces/ns/pods/two/exec?container=d&command=sh&command=-c&stdin=true&stdout=true&tty=false`;
  const client = new WebSocket(url, ["v5.channel.k8s.io", "v4.channel.k8s.io"], { ca: api.ca, ...api.admin });
  await once(client, "open");
  assert.equal(client.protocol, "v5.channel.k8s.io");
  const big = Buffer.alloc(3_000_000, 7);
  client.send(big);
  const [echo] = (await once(client, "message")) as [Buffer];
  assert.ok(echo.equals(big));
  assert.ok(asked.includes("/exec/ns/two/d?input=1&output=1&command=sh&command=-c"));
  client.close(1000);
  const [code] = await once(client, "close");
  assert.equal(code, 1000);
});

test("streamingHandlers() give a refused upgrade as a Status", async () => {
  const client = new WebSocket(`${api.url.replace("https", "wss")}/api/v1/namespaces/ns/pods/one/attach?container=zz`, ["v5.channel.k8s.io"], {
    ca: api.ca,
    ...api.admin,
  });
  const [error] = (await once(client, "error")) as [Error];
  assert.match(error.message, /400/);
});

/** All messages until the server closes, and what the handshake agreed on. */
async function messages(url: string, protocols: string[], from: TestServer = api): Promise<{ protocol: string; got: (string | Buffer)[] }> {
  const client = new WebSocket(`${from.url.replace("https", "wss")}${url}`, protocols, { ca: from.ca, ...from.admin });
  const got: (string | Buffer)[] = [];
  client.on("message", (data: Buffer, isBinary) => void got.push(isBinary ? data : data.toString()));
  await once(client, "open");
  const [code] = (await once(client, "close")) as [number];
  assert.equal(code, 1000);
  return { protocol: client.protocol, got };
}

const LOG = "/api/v1/namespaces/ns/pods/one/log";

test("streamingHandlers() give logs over a WebSocket, as bytes or in base64", async () => {
  for (const { offered, protocol } of [
    { offered: [], protocol: "" },
    { offered: ["other", "binary.k8s.io"], protocol: "binary.k8s.io" },
  ]) {
    const seen = await messages(LOG, offered);
    assert.equal(seen.protocol, protocol);
    assert.equal(Buffer.concat(seen.got as Buffer[]).toString(), "one\ntwo\n");
  }
  const encoded = await messages(LOG, ["base64.binary.k8s.io"]);
  assert.equal(encoded.protocol, "base64.binary.k8s.io");
  assert.equal(encoded.got.map((text) => Buffer.from(text as string, "base64").toString()).join(""), "one\ntwo\n");
});

test("streamingHandlers() refuse logs over a WebSocket as they refuse others, and strange subprotocols", async () => {
  await assert.rejects(messages("/api/v1/namespaces/ns/pods/nothing/log", []), /404/);
  await assert.rejects(messages(LOG, ["other"]), /403/);
});

test("HttpServer gives each event of a watch as a message, and ends with it", async () => {
  for (const name of ["a", "b"]) {
    const headers = { "content-type": "application/json" };
    const request = httpsRequest(`${api.url}/api/v1/namespaces`, { method: "POST", ca: api.ca, ...api.admin, agent: false, headers });
    request.end(JSON.stringify({ metadata: { name } }));
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.resume();
    assert.equal(response.statusCode, 201);
  }
  const { got, protocol } = await messages("/api/v1/namespaces?watch=1&timeoutSeconds=1", ["any"]);
  assert.equal(protocol, "any");
  const events = got.map((text) => JSON.parse(text as string) as { type: string; object: { metadata: { name: string } } });
  assert.deepEqual(
    events.map(({ object }) => object.metadata.name),
    ["a", "b"],
  );
  for (const [i, { type }] of events.entries()) assert.deepEqual([type, (got[i] as string).at(-1)], ["ADDED", "\n"]);
});

test("HttpServer answers a request whose wish for an upgrade means nothing here", async () => {
  const headers = { connection: "Upgrade", upgrade: "SPDY/3.1" };
  const request = httpsRequest(`${api.url}/api/v1/namespaces`, { ca: api.ca, ...api.admin, agent: false, headers });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  response.destroy();
});

test("HttpServer takes a token from among the subprotocols, alone", async () => {
  const url = `${api.url.replace("https", "wss")}${LOG}`;
  const secret = `base64url.bearer.authorization.k8s.io.${Buffer.from("no such token").toString("base64url")}`;
  for (const offered of [[secret], [secret, "binary.k8s.io"], [secret, secret, "binary.k8s.io"]]) {
    const client = new WebSocket(url, offered.slice(0, 0), { ca: api.ca, headers: { "sec-websocket-protocol": offered.join(", ") } });
    const [error] = (await once(client, "error")) as [Error];
    assert.match(error.message, /401/, offered.join());
  }
});

test("ResourceHandler lets nobody run commands by a GET who may not create", async () => {
  const authorizer: Authorizer = {
    authorize: (attributes) => ({ allowed: attributes.verb === "get", reason: "only get" }),
    rulesFor: () => ({ rules: [], incomplete: false }),
  };
  const other = await startTestServer({ bare: true, authorizer, subresources: () => handlers() });
  for (const subresource of ["exec?command=ls", "attach", "portforward"]) {
    const answer = await get(`one/${subresource}`, other);
    assert.deepEqual(answer, { code: 403, text: 'pods "one" is forbidden: only get' });
    await assert.rejects(messages(`/api/v1/namespaces/ns/pods/one/${subresource}`, ["v4.channel.k8s.io"], other), /403/);
  }
  assert.equal((await get("one/log", other)).code, 200);
  await other.close();
});

test("streamingHandlers() tunnel SPDY in a WebSocket whose subprotocol is no token", async () => {
  const headers = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-key": "x", "sec-websocket-version": "13", "sec-websocket-protocol": TUNNEL };
  const request = httpsRequest(`${api.url}/api/v1/namespaces/ns/pods/two/portforward?ports=80`, { ca: api.ca, ...api.admin, agent: false, headers });
  request.end();
  const [response, socket] = (await once(request, "upgrade")) as [IncomingMessage, Socket];
  assert.equal(response.headers["sec-websocket-protocol"], TUNNEL);
  socket.write("ping");
  const [echo] = (await once(socket, "data")) as [Buffer];
  assert.equal(echo.toString(), "ping");
  socket.destroy();
  assert.ok(asked.includes("/portForward/ns/two?port=80"));
});

test("kubeletLogQuery() hands on what was asked, and nothing else", () => {
  const query = new URLSearchParams("follow=true&previous=0&timestamps=&tailLines=+3&container=c&x=y&sinceTime=2026-01-01T00:00:00Z".replace("+", "%2B"));
  assert.equal(kubeletLogQuery(query, "p").toString(), "follow=true&timestamps=true&tailLines=3&sinceTime=2026-01-01T00%3A00%3A00Z");
});
