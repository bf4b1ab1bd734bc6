import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { connect } from "node:net";
import { after, before, test } from "node:test";

import { silentLogger, type Logger } from "#lib/logger.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

import { PATIENCE_MS, RoughClient, readUntilClosed } from "./rough-client.ts";

const errors: unknown[] = [];
const logger: Logger = { ...silentLogger, error: (message, fields) => void errors.push([message, fields]), with: () => logger };

let server: TestServer;
let client: RoughClient;
before(async () => {
  server = await startTestServer({ bare: true, logger });
  client = new RoughClient(server);
});
after(async () => {
  client.close();
  await server.close();
});

async function assertWell(): Promise<void> {
  for (const answer of [await client.http1({ method: "GET", path: "/readyz" }), await client.http2({ method: "GET", path: "/api/v1/namespaces" })]) {
    assert.equal(answer.code, 200);
    assert.ok(answer.ms < PATIENCE_MS);
  }
}

const POST = "POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";

/** Text sent on a bare HTTP/1.1 connection, and the first line of the answer. */
const TEXTS: readonly (readonly [name: string, text: string, answer: RegExp])[] = [
  ["what is no request", "hello\r\n\r\n", /^HTTP\/1\.1 4\d\d /],
  ["a method that does not exist", "FOO /api/v1/namespaces HTTP/1.1\r\nHost: a\r\n\r\n", /^HTTP\/1\.1 405 .*"reason":"MethodNotAllowed"/s],
  ["a version that does not exist", "GET / HTTP/9.9\r\nHost: a\r\n\r\n", /^HTTP\/1\.1 400 .*"reason":"BadRequest"/s],
  ["a header without a colon", "GET /readyz HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", /^HTTP\/1\.1 400 /],
  ["a zero byte in a header", "GET /readyz HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", /^HTTP\/1\.1 400 /],
  ["headers of 2 MiB", `GET /readyz HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(2 << 20)}\r\n\r\n`, /^HTTP\/1\.1 4\d\d /],
  ["a length that is no number", `${POST}Content-Length: many\r\n\r\n`, /^HTTP\/1\.1 400 /],
  ["a length and chunks", `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, /^HTTP\/1\.1 400 /],
  ["a chunk without a size", `${POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, /^HTTP\/1\.1 400 /],
];

for (const [name, text, answer] of TEXTS) {
  test(`${name} is answered, and the connection ends`, async () => {
    const socket = await client.raw("http/1.1");
    socket.write(text);
    const { text: got, closed } = await readUntilClosed(socket, PATIENCE_MS);
    socket.destroy();
    assert.match(got, answer);
    assert.ok(closed);
    await assertWell();
  });
}

test("bodies that end early, come slowly or not at all keep nobody else waiting", async () => {
  const sockets = await Promise.all(Array.from({ length: 50 }, () => client.raw("http/1.1")));
  for (const [i, socket] of sockets.entries()) {
    if (i % 5 !== 0) socket.write(`${POST}Content-Length: 1000\r\n\r\n{"kind":`); // every fifth says nothing at all
    if (i % 2 === 0) socket.end();
  }
  await assertWell();
  for (const socket of sockets) socket.destroy();
  await assertWell();
});

test("a client that goes away is no error of the server's", () => {
  assert.deepEqual(errors, []);
});

test("HTTP/2 streams that are cut off leave the session usable", async () => {
  const session = client.session();
  const streams = Array.from({ length: 200 }, () => session.request({ ":method": "POST", ":path": "/api/v1/namespaces", "content-type": "application/json" }));
  for (const stream of streams) {
    stream.on("error", () => {});
    stream.write('{"kind":');
    stream.close(http2.constants.NGHTTP2_CANCEL);
  }
  await assertWell();
  assert.equal(client.session(), session);
});

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = frame(4, 0, 0, Buffer.alloc(0));

function frame(type: number, flags: number, stream: number, payload: Buffer, length = payload.length): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const FRAMES: readonly (readonly [name: string, bytes: Buffer])[] = [
  ["no preface", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
  ["noise after the preface", Buffer.concat([PREFACE, Buffer.alloc(64, 0xff)])],
  ["a frame above the limit", Buffer.concat([PREFACE, SETTINGS, frame(0, 0, 1, Buffer.alloc(10), 0xffffff)])],
  ["headers that are no HPACK", Buffer.concat([PREFACE, SETTINGS, frame(1, 5, 1, Buffer.alloc(20, 0xff))])],
  ["data on stream 0", Buffer.concat([PREFACE, SETTINGS, frame(0, 1, 0, Buffer.from("x"))])],
  ["data on an idle stream", Buffer.concat([PREFACE, SETTINGS, frame(0, 1, 7, Buffer.from("x"))])],
  ["settings of 5 bytes", Buffer.concat([PREFACE, frame(4, 0, 0, Buffer.alloc(5))])],
  ["a continuation of nothing", Buffer.concat([PREFACE, SETTINGS, frame(9, 4, 1, Buffer.alloc(4))])],
  ["a window update by nothing", Buffer.concat([PREFACE, SETTINGS, frame(8, 0, 0, Buffer.alloc(4))])],
  ["a ping of 3 bytes", Buffer.concat([PREFACE, SETTINGS, frame(6, 0, 0, Buffer.alloc(3))])],
];

for (const [name, bytes] of FRAMES) {
  test(`HTTP/2 with ${name}: that connection ends, others do not notice`, async () => {
    const socket = await client.raw("h2");
    socket.write(bytes);
    const { closed } = await readUntilClosed(socket, PATIENCE_MS);
    socket.destroy();
    assert.ok(closed);
    await assertWell();
  });
}

test("close() ends connections that are half open", async () => {
  const other = await startTestServer({ bare: true });
  const open = new RoughClient(other);
  const sockets = await Promise.all([open.raw("http/1.1"), open.raw("h2"), open.raw("http/1.1")]);
  sockets[2]!.write(`${POST}Content-Length: 1000\r\n\r\n{"kind":`);
  await open.http2({ method: "GET", path: "/readyz" });
  const silent = connect(Number(new URL(other.url).port), "127.0.0.1");
  await once(silent, "connect");
  const ends = [...sockets, silent].map((socket) => readUntilClosed(socket, 5 * PATIENCE_MS));
  const closing = other.close();
  for (const end of ends) assert.ok((await end).closed);
  await closing;
  open.close();
});

test("close() tells HTTP/2 clients to go elsewhere", async () => {
  const other = await startTestServer({ bare: true });
  const leaving = new RoughClient(other);
  assert.equal((await leaving.http2({ method: "GET", path: "/readyz" })).code, 200);
  const told = new Promise<number>((resolve) => leaving.session().once("goaway", resolve));
  await other.close();
  assert.equal(await told, http2.constants.NGHTTP2_NO_ERROR);
  leaving.close();
});
