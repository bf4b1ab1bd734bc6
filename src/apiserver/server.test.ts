import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import http2 from "node:http2";
import { after, before, test } from "node:test";
import https from "node:https";
import type { Duplex } from "node:stream";
import tls from "node:tls";

import type { ConnectRequest } from "#apiserver/registry/subresource.ts";
import { CODE, FLAG, FRAME, frame, PREFACE, resetFrame, settingsFrame } from "#lib/http2/frames.ts";
import type { TestServer } from "#test/api-server/test-server.ts";
import { startTestServer } from "#test/api-server/test-server.ts";

let server: TestServer;
let agent: https.Agent;
before(async () => {
  server = await startTestServer({
    bare: true,
    subresources: () => [
      { group: "", plural: "pods", subresource: "exec", connect: echo },
      { group: "", plural: "pods", subresource: "log", connect: note },
    ],
  });
  agent = new https.Agent({ ca: server.ca, ...server.admin, keepAlive: true });
});
after(async () => {
  agent.destroy();
  await server.close();
});

/** Takes over the connection and gives back what comes. */
async function echo({ upgrade }: ConnectRequest): Promise<void> {
  assert.ok(upgrade);
  upgrade.socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
  upgrade.socket.pipe(upgrade.socket);
}

const noted: string[] = [];
async function note({ name, response }: ConnectRequest): Promise<void> {
  noted.push(name);
  response!.writeHead(204).end();
}

interface Answer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, own = agent): Promise<Answer> {
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const all = { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)), ...headers };
    const request = https.request(server.url + path, { method, agent: own, headers: all }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const answer = Buffer.concat(chunks).toString();
        const json = String(response.headers["content-type"]).startsWith("application/json") && !path.includes("watch=");
        resolve({ code: response.statusCode!, headers: response.headers, text: answer, body: json ? JSON.parse(answer) : undefined });
      });
    });
    request.on("error", reject);
    request.end(text);
  });
}

const pod = (name: string) => ({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { containers: [{ name: "c", image: "i" }] } });

test("ApiServer creates, reads, lists, changes and deletes a pod over HTTPS", async () => {
  const created = await send("POST", "/api/v1/namespaces/a/pods", pod("one"));
  assert.equal(created.code, 201, created.text);
  assert.equal(created.body.metadata.namespace, "a");
  const read = await send("GET", "/api/v1/namespaces/a/pods/one");
  assert.deepEqual(read.body, created.body);
  const listed = await send("GET", "/api/v1/namespaces/a/pods");
  assert.equal(listed.body.kind, "PodList");
  const { kind: _kind, apiVersion: _apiVersion, ...item } = created.body;
  assert.deepEqual(listed.body.items, [item]);
  const changed = await send("PUT", "/api/v1/namespaces/a/pods/one", { ...created.body, metadata: { ...created.body.metadata, labels: { x: "y" } } });
  assert.equal(changed.code, 200, changed.text);
  const stale = await send("PUT", "/api/v1/namespaces/a/pods/one", created.body);
  assert.equal(stale.code, 409);
  const gone = await send("DELETE", "/api/v1/namespaces/a/pods/one", { gracePeriodSeconds: 0 });
  assert.equal(gone.code, 200, gone.text);
  const missing = await send("GET", "/api/v1/namespaces/a/pods/one");
  assert.equal(missing.body.message, 'pods "one" not found');
});

test("ApiServer has the kernel look whether a silent client is still there", async (t) => {
  const port = Number(new URL(server.url).port);
  const socket = tls.connect({ host: "127.0.0.1", port, ca: server.ca });
  t.after(() => socket.destroy());
  await once(socket, "secureConnect");
  const hex = (value: number) => `0100007F:${value.toString(16).toUpperCase().padStart(4, "0")}`;
  const ours = new RegExp(`${hex(port)} ${hex(socket.localPort!)} 01 \\S+ (\\S\\S):`);
  let timer = "01"; // while something is on its way the timer is that of sending it again
  while (timer === "01") timer = ours.exec(readFileSync("/proc/net/tcp", "utf8"))![1]!;
  assert.equal(timer, "02", "the keepalive timer");
});

test("ApiServer tells of a version in what is created after all other faults, and before the name is taken", async () => {
  const versioned = { ...pod("versioned"), metadata: { name: "versioned", resourceVersion: "1" } };
  const told = async (path: string, body: object) => {
    const { code, body: status } = await send("POST", `/api/v1/namespaces/a/pods${path}`, body);
    return [code, status.message];
  };
  const words = [500, "resourceVersion should not be set on objects to be created"];
  assert.deepEqual(await told("", versioned), words);
  assert.equal((await told("", { ...versioned, spec: { containers: [] } }))[0], 422);
  assert.equal((await told("?dryRun=All", versioned))[0], 201);
  assert.equal((await told("", pod("versioned")))[0], 201);
  assert.deepEqual(await told("", versioned), words);
});

test("ApiServer makes no Table of what is never kept", async () => {
  const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const review = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec: { nonResourceAttributes: { path: "/", verb: "get" } } };
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  assert.equal((await send("POST", path, review, { accept })).code, 406);
  assert.equal((await send("POST", path, review, { accept: `${accept}, application/json` })).body.kind, "SelfSubjectAccessReview");
});

test("ApiServer watches give what stands, then what changes", async () => {
  const made = await send("POST", "/api/v1/namespaces/w/pods", pod("one"));
  const events = send("GET", "/api/v1/namespaces/w/pods?watch=1&timeoutSeconds=1");
  await send("POST", "/api/v1/namespaces/w/pods", pod("two"));
  const lines = (await events).text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ type, object }) => [type, object.metadata.name]),
    [
      ["ADDED", "one"],
      ["ADDED", "two"],
    ],
  );
  assert.deepEqual(lines[0].object, made.body);
});

test("ApiServer refuses who is not known, and who may not", async () => {
  const nobody = new https.Agent({ ca: server.ca });
  assert.equal((await send("GET", "/api/v1/pods", undefined, {}, nobody)).code, 403);
  assert.equal((await send("GET", "/livez", undefined, {}, nobody)).code, 403); // a role allows it, and this server has none
  nobody.destroy();
  const user = new https.Agent({ ca: server.ca, ...(await server.client("jane")) });
  const refused = await send("GET", "/api/v1/namespaces/a/pods", undefined, {}, user);
  assert.equal(refused.body.message, 'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "a"');
  user.destroy();
});

test("ApiServer hands an upgraded connection to its subresource, on the port that speaks HTTP/2 too", async () => {
  const request = https.request(`${server.url}/api/v1/namespaces/a/pods/one/exec`, { agent, headers: { connection: "Upgrade", upgrade: "echo" } });
  request.end();
  const [response, socket] = (await once(request, "upgrade")) as [IncomingMessage, Duplex];
  assert.equal(response.statusCode, 101);
  socket.write("hello");
  const [echoed] = (await once(socket, "data")) as [Buffer];
  assert.equal(echoed.toString(), "hello");
  socket.destroy();
});

test("ApiServer asks who opens a WebSocket to exec for the right to create, not only to get", async () => {
  const RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/a";
  const user = new https.Agent({ ca: server.ca, ...(await server.client("runner")) });
  const rule = (...verbs: readonly string[]) => ({ apiGroups: [""], resources: ["pods/exec"], verbs });
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "exec" };
  const subjects = [{ kind: "User", name: "runner", apiGroup: "rbac.authorization.k8s.io" }];
  await send("POST", `${RBAC}/rolebindings`, { metadata: { name: "exec" }, roleRef, subjects });
  const codeOf = async (upgrade: string) => {
    const request = https.request(`${server.url}/api/v1/namespaces/a/pods/one/exec`, { agent: user, headers: { connection: "Upgrade", upgrade } });
    request.end();
    const [response, socket] = (await Promise.race([once(request, "upgrade"), once(request, "response")])) as [IncomingMessage, Duplex | undefined];
    socket?.destroy();
    return response.statusCode;
  };
  await send("POST", `${RBAC}/roles`, { metadata: { name: "exec" }, rules: [rule("get")] });
  assert.equal(await codeOf("websocket"), 403);
  await send("PUT", `${RBAC}/roles/exec`, { metadata: { name: "exec" }, rules: [rule("create")] });
  assert.equal(await codeOf("websocket"), 403);
  await send("PUT", `${RBAC}/roles/exec`, { metadata: { name: "exec" }, rules: [rule("get", "create")] });
  assert.equal(await codeOf("websocket"), 101);
  user.destroy();
});

test("ApiServer answers over HTTP/2", async () => {
  const client = http2.connect(server.url, { ca: server.ca, ...server.admin });
  const stream = client.request({ ":path": "/api/v1/namespaces/none/pods" });
  const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader];
  assert.equal(headers[":status"], 200);
  client.destroy();
});

test("ApiServer does nothing for a request that was cut off in the same breath", async () => {
  const socket = tls.connect({ host: "127.0.0.1", port: Number(new URL(server.url).port), ca: server.ca, ...server.admin, ALPNProtocols: ["h2"] });
  await once(socket, "secureConnect");
  const ask = (stream: number, name: string) => {
    const path = `/api/v1/namespaces/a/pods/${name}/log`;
    return frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, stream, Buffer.from(`\x82\x87\x04${String.fromCharCode(path.length)}${path}`, "latin1"));
  };
  socket.write(Buffer.concat([PREFACE, settingsFrame([]), ask(1, "gone"), resetFrame(1, CODE.cancel), ask(3, "here")]));
  while (noted.length === 0) await once(socket, "data");
  socket.destroy();
  assert.deepEqual(noted, ["here"]);
});

test("a request for which there is no seat is told to come again, and the objects that say so hold at once", async () => {
  const api = "/apis/flowcontrol.apiserver.k8s.io/v1";
  const closed = { type: "Limited", limited: { nominalConcurrencyShares: 0, limitResponse: { type: "Reject" } } };
  const level = { apiVersion: "flowcontrol.apiserver.k8s.io/v1", kind: "PriorityLevelConfiguration", metadata: { name: "closed" }, spec: closed };
  const subjects = [{ kind: "Group", group: { name: "system:masters" } }];
  const resourceRules = [{ verbs: ["list"], apiGroups: [""], resources: ["configmaps"], namespaces: ["*"] }];
  const spec = { priorityLevelConfiguration: { name: "closed" }, matchingPrecedence: 2, rules: [{ subjects, resourceRules }] };
  const schema = { apiVersion: level.apiVersion, kind: "FlowSchema", metadata: { name: "closed" }, spec };
  const list = () => send("GET", "/api/v1/namespaces/default/configmaps");
  const open = await list();
  assert.deepEqual([open.code, open.headers["x-kubernetes-pf-flowschema-uid"], open.headers["x-kubernetes-pf-prioritylevel-uid"]], [200, "", ""]);
  const made = [await send("POST", `${api}/prioritylevelconfigurations`, level), await send("POST", `${api}/flowschemas`, schema)];
  assert.deepEqual(
    made.map(({ code }) => code),
    [201, 201],
  );
  const refused = await list();
  assert.deepEqual([refused.code, refused.text, refused.headers["retry-after"]], [429, "Too many requests, please try again later.\n", "1"]);
  assert.equal(refused.headers["x-kubernetes-pf-flowschema-uid"], undefined);
  assert.equal((await send("GET", "/api/v1/namespaces/default/configmaps/none")).code, 404);
  await send("DELETE", `${api}/flowschemas/closed`);
  assert.equal((await list()).code, 200);
});

test("/metrics tells of requests, levels and the process, and /metrics/slis of health", async () => {
  const { code, headers, text } = await send("GET", "/metrics");
  assert.deepEqual([code, String(headers["content-type"]).split(";")[0]], [200, "text/plain"]);
  assert.match(
    text,
    /^apiserver_request_total\{code="201",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="",verb="POST",version="v1"\} \d+$/m,
  );
  assert.match(text, /^apiserver_flowcontrol_dispatched_requests_total\{priority_level="exempt"\} \d+$/m);
  assert.match(text, /^process_resident_memory_bytes \S+$/m);
  assert.match(text, /^process_cpu_seconds_total \S+$/m);
  const names = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
  assert.equal(new Set(names).size, names.length);
  assert.match((await send("GET", "/metrics/slis")).text, /^kubernetes_healthcheck\{name="ping",type="livez"\} 1$/m);
  assert.equal((await send("POST", "/metrics")).code, 405);
});

test("a command of many words fits into a path, as with upstream", async () => {
  const long = (bytes: number) => `/version?x=${"a".repeat(bytes)}`;
  assert.equal((await send("GET", long(100_000))).code, 200);
  assert.equal((await send("GET", long((1 << 20) + 100))).code, 431); // not more: what is not read any more would reset the connection
});

test("a timeout that is no duration is refused, whatever is asked for", async () => {
  for (const path of ["/version", "/api", "/api/v1/namespaces/default/pods"]) {
    const { code, body } = await send("GET", `${path}?timeout=invalid`);
    assert.deepEqual([code, body.message], [400, 'invalid timeout specified in the request URL - time: invalid duration "invalid"']);
  }
  assert.equal((await send("GET", "/version?timeout=3m")).code, 200);
});

test("/ tells of the paths that are there, and every answer has an id", async () => {
  const { text, headers } = await send("GET", "/");
  const { paths } = JSON.parse(text) as { paths: string[] };
  for (const path of ["/apis/apps/v1", "/healthz/etcd", "/readyz/informer-sync", "/metrics", "/livez/poststarthook/crd-informer-synced"]) {
    assert.ok(paths.includes(path), path);
    const { code } = await send("GET", path);
    assert.equal(code, 200, path);
  }
  assert.deepEqual(paths, [...paths].sort());
  assert.match(String(headers["audit-id"]), /^[0-9a-f-]{36}$/);
  assert.equal((await send("GET", "/api/v1/namespaces/none", undefined, { "audit-id": "mine" })).headers["audit-id"], "mine");
});
