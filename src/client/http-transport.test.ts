import assert from "node:assert/strict";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";

import { PODS } from "#api/builtin.ts";
import { isStatus, StatusError } from "#apimachinery/status-error.ts";
import { Client } from "#client/client.ts";
import { HttpTransport } from "#client/http-transport.ts";
import type { WatchEvent } from "#client/transport.ts";
import { systemClock } from "#lib/system-clock.ts";

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly type: string | undefined;
  readonly body: string;
}

let server: Http2Server;
let transport: HttpTransport;
let answer: (stream: ServerHttp2Stream, seen: Seen) => void;

const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const json = (status: number, body: unknown) => (stream: ServerHttp2Stream) => {
  stream.respond({ ":status": status, "content-type": "application/json" });
  stream.end(JSON.stringify(body));
};

before(async () => {
  server = createServer();
  server.on("session", (session) => session.on("error", () => {}));
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () =>
      answer(stream, { method: headers[":method"]!, path: headers[":path"]!, type: headers["content-type"], body: Buffer.concat(chunks).toString() }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  transport = new HttpTransport({ server: address(), clock: systemClock, requestTimeoutMs: 300 });
});

after(() => {
  transport.close();
  server.close();
});

test("HttpTransport.perform() asks for the right path, with body and type", async () => {
  const seen: Seen[] = [];
  answer = (stream, request) => {
    seen.push(request);
    json(200, { metadata: { name: "a" }, items: [] })(stream);
  };
  const client = new Client(transport, "tester");
  await client.list(PODS, { namespace: "x", labelSelector: "app=web", limit: 5 });
  await client.patch(PODS, { namespace: "x", name: "a" }, "strategic", { spec: {} }, { subresource: "status" });
  await client.delete(PODS, { namespace: "x", name: "a" }, { gracePeriodSeconds: 0 });
  assert.deepEqual(
    seen.map(({ method, path, type }) => [method, path, type]),
    [
      ["GET", "/api/v1/namespaces/x/pods?labelSelector=app%3Dweb&limit=5", undefined],
      ["PATCH", "/api/v1/namespaces/x/pods/a/status?fieldManager=tester", "application/strategic-merge-patch+json"],
      ["DELETE", "/api/v1/namespaces/x/pods/a", "application/json"],
    ],
  );
  assert.deepEqual(JSON.parse(seen[2]!.body), { kind: "DeleteOptions", apiVersion: "v1", gracePeriodSeconds: 0 });
});

test("HttpTransport.perform() throws the Status the server answers", async () => {
  answer = json(404, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", reason: "NotFound", message: 'pods "a" not found', code: 404 });
  const failed = transport.perform({ verb: "get", resource: PODS, namespace: "x", name: "a" });
  await assert.rejects(failed, (error) => isStatus(error, "NotFound") && error.message === 'pods "a" not found');
  answer = (stream) => {
    stream.respond({ ":status": 503 });
    stream.end("upstream is away");
  };
  await assert.rejects(transport.perform({ verb: "list", resource: PODS }), (error) => isStatus(error, "ServiceUnavailable"));
});

test("HttpTransport.perform() stops waiting after its timeout, and when told to", async () => {
  answer = () => {};
  await assert.rejects(transport.perform({ verb: "create", resource: PODS, namespace: "x", body: {} }), (error) => isStatus(error, "Timeout"));
  const abort = new AbortController();
  const waiting = transport.perform({ verb: "list", resource: PODS }, abort.signal);
  abort.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
});

test("HttpTransport.request() connects anew after the connection broke", async () => {
  let calls = 0;
  answer = (stream) => {
    if (calls++ === 0) stream.session?.destroy();
    else json(200, { ok: true })(stream);
  };
  assert.deepEqual(await transport.json({ path: "/version" }), { ok: true });
  assert.equal(calls, 2);
});

test("HttpTransport.watch() reads a line for each event, however they are cut, and ends with the server's Status", async () => {
  const event = (name: string) => `${JSON.stringify({ type: "ADDED", object: { metadata: { name, labels: { text: "größe" } } } })}\n`;
  const status = { type: "ERROR", object: { kind: "Status", status: "Failure", reason: "Expired", code: 410, message: "too old" } };
  answer = (stream, { path }) => {
    assert.equal(path, "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1&resourceVersion=7&watch=true&allowWatchBookmarks=true");
    stream.respond({ ":status": 200 });
    const bytes = Buffer.from(event("a") + event("b") + JSON.stringify(status) + "\n");
    for (let i = 0; i < bytes.length; i += 7) stream.write(bytes.subarray(i, i + 7));
  };
  const events: WatchEvent[] = [];
  const error = await new Promise<Error | undefined>((resolve) => {
    transport.watch(
      { resource: PODS, fieldSelector: "spec.nodeName=n1", resourceVersion: "7" },
      { onEvent: (received) => events.push(received), onEnd: resolve },
    );
  });
  assert.deepEqual(
    events.map(({ object }) => [object.metadata.name, object.metadata.labels?.["text"]]),
    [
      ["a", "größe"],
      ["b", "größe"],
    ],
  );
  assert.ok(error instanceof StatusError && error.code === 410);
});

test("HttpTransport.watch() tells of a server that is away", async () => {
  const away = new HttpTransport({ server: "http://127.0.0.1:1", clock: systemClock });
  const error = await new Promise<Error | undefined>((resolve) => {
    away.watch({ resource: PODS, resourceVersion: "1" }, { onEvent() {}, onEnd: resolve });
  });
  assert.match(error?.message ?? "", /ECONNREFUSED/);
});

test("HttpTransport.watch() cut off before the answer ends with an error that is no Status: nothing was refused", async () => {
  answer = (stream) => stream.session!.destroy();
  const error = await new Promise((resolve) => transport.watch({ resource: PODS, resourceVersion: "1" }, { onEvent: () => {}, onEnd: resolve }));
  assert.ok(error instanceof Error && !(error instanceof StatusError), String(error));
});

test("HttpTransport.close() ends a watch on a connection that the server has said farewell to, and requests go on elsewhere", async () => {
  const sessions = new Set<object>();
  answer = (stream, { path }) => {
    sessions.add(stream.session!);
    if (!path.includes("watch=true")) return json(200, { metadata: {}, items: [] })(stream);
    stream.respond({ ":status": 200 });
    stream.write(`${JSON.stringify({ type: "BOOKMARK", object: { metadata: { resourceVersion: "1" } } })}\n`);
    stream.session!.goaway();
  };
  const own = new HttpTransport({ server: address(), clock: systemClock });
  const first = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  own.watch({ resource: PODS, resourceVersion: "1" }, { onEvent: () => first.resolve(), onEnd: () => ended.resolve() });
  await first.promise;
  await new Client(own).list(PODS);
  assert.equal(sessions.size, 2);
  own.close();
  await ended.promise;
});
