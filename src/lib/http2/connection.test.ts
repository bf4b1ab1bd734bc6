import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { after, before, test } from "node:test";
import type { TLSSocket } from "node:tls";

import fc from "fast-check";

import { Http2Connection } from "./connection.ts";
import { CODE, FLAG, FRAME, frame, PREFACE, settingsFrame, windowUpdateFrame } from "./frames.ts";
import { Http2Stream } from "./stream.ts";

const MAX_STREAMS = 100;
const BODY_LIMIT_BYTES = 1_000_000;

let server: Server;
let port: number;
/** What the last stream to "/held" was given. */
let held: Http2Stream;
let newest: Http2Connection;
const connections = new Set<Socket>();

/** Without TLS: the connection's own part is the same. */
before(async () => {
  server = createServer((socket) => {
    connections.add(socket);
    const options = { maxConcurrentStreams: MAX_STREAMS, streamWindowBytes: 100_000, date: () => "today" };
    newest = new Http2Connection(socket as TLSSocket, options, (stream) => void answer(stream));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});
after(() => {
  for (const socket of connections) socket.destroy();
  server.close();
});

async function answer(stream: Http2Stream): Promise<void> {
  switch (stream.url) {
    case "/echo":
      return stream.writeHead(200, { "content-type": "x/echo" }).end((await stream.readBody(BODY_LIMIT_BYTES)) ?? Buffer.from("too large")) && undefined;
    case "/headers":
      return stream.writeHead(200).end(Buffer.from(JSON.stringify({ ...stream.headers, raw: stream.rawHeaders }))) && undefined;
    case "/pour":
      stream.writeHead(200);
      stream.on("drain", () => source.resume());
      const source = stream.bodyStream();
      source.on("data", (chunk: Buffer) => void (stream.write(chunk) || source.pause()));
      source.on("end", () => stream.end());
      return;
    case "/large":
      stream.writeHead(200).end(Buffer.alloc(4_000_000, 7));
      return;
    case "/held":
      held = stream;
      server.emit("held");
      return;
    case "/farewell":
      newest.goaway();
      stream.writeHead(204).end();
      return;
    default:
      stream.writeHead(204).end();
  }
}

function client(settings: http2.Settings = {}): http2.ClientHttp2Session {
  return http2.connect(`http://127.0.0.1:${port}`, { settings });
}

async function ask(session: http2.ClientHttp2Session, path: string, body?: Uint8Array, headers: http2.OutgoingHttpHeaders = {}) {
  const stream = session.request({ ":path": path, ":method": body === undefined ? "GET" : "POST", ...headers });
  const response = once(stream, "response");
  stream.end(body);
  const [[head], bytes] = await Promise.all([response, buffer(stream)]);
  return { head: head as http2.IncomingHttpHeaders & { ":status": number }, bytes };
}

test("Http2Connection gives bodies of any size back, whatever windows and frames the client has", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 300_000 }), { minLength: 1, maxLength: 6 }),
      fc.constantFrom(1000, 65_535, 1_000_000),
      fc.constantFrom(16_384, 100_000),
      async (sizes, initialWindowSize, maxFrameSize) => {
        const session = client({ initialWindowSize, maxFrameSize });
        for (const path of ["/echo", "/pour"]) {
          const bodies = sizes.map((size, i) => Buffer.alloc(size, i + 1));
          const answers = await Promise.all(bodies.map((body) => ask(session, path, body)));
          for (const [i, { bytes }] of answers.entries()) assert.ok(bytes.equals(bodies[i]!), `${sizes[i]} bytes`);
        }
        session.destroy();
      },
    ),
    { numRuns: 15 },
  );
});

test("Http2Connection hands on headers as they are, repeated ones joined", async () => {
  const session = client();
  const value = fc.string({ unit: fc.integer({ min: 33, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 4 }), async (values) => {
      const { bytes } = await ask(session, "/headers", undefined, { "x-many": values, "x-one": values[0], accept: "a/b" });
      const got = JSON.parse(bytes.toString()) as Record<string, unknown>;
      const sent = values.map((text) => text.trim());
      assert.equal(got["x-many"], values.join(", "), sent.join());
      assert.equal(got["accept"], "a/b");
      assert.equal(got["host"], `127.0.0.1:${port}`);
      assert.deepEqual(
        (got["raw"] as string[]).filter((_, i, raw) => raw[i - 1] === "x-many"),
        values,
      );
    }),
    { numRuns: 50 },
  );
  session.destroy();
});

test("Http2Connection answers with status, headers and date; an answer without a body is one", async () => {
  const session = client();
  const { head } = await ask(session, "/echo", Buffer.from("x"));
  assert.deepEqual([head[":status"], head["content-type"], head.date], [200, "x/echo", "today"]);
  const empty = await ask(session, "/");
  assert.deepEqual([empty.head[":status"], empty.bytes.length], [204, 0]);
  session.destroy();
});

test("Http2Stream.readBody() takes a body above the limit to its end, and keeps nothing", async () => {
  const session = client();
  assert.equal((await ask(session, "/echo", Buffer.alloc(BODY_LIMIT_BYTES + 1))).bytes.toString(), "too large");
  assert.equal((await ask(session, "/echo", Buffer.alloc(BODY_LIMIT_BYTES))).bytes.length, BODY_LIMIT_BYTES);
  session.destroy();
});

test("Http2Connection answers others while a client does not read a large answer", async () => {
  const session = client();
  const deaf = session.request({ ":path": "/large" });
  await once(deaf, "response");
  assert.equal((await ask(session, "/echo", Buffer.from("x"))).bytes.toString(), "x");
  assert.equal((await buffer(deaf)).length, 4_000_000);
  session.destroy();
});

test("Http2Stream tells of a client that goes away, and not of one that has its answer", async () => {
  const session = client();
  const cut = session.request({ ":path": "/held", ":method": "POST" });
  cut.on("error", () => {});
  await once(server, "held");
  const closed = once(held, "close");
  cut.close(http2.constants.NGHTTP2_CANCEL);
  await closed;
  assert.equal(held.writableFinished, false);

  const whole = session.request({ ":path": "/held" });
  await once(server, "held");
  const over = once(held, "close");
  held.writeHead(200).end(Buffer.from("bye"));
  assert.equal((await buffer(whole)).toString(), "bye");
  await over;
  assert.equal(held.writableFinished, true);
  session.destroy();
});

test("Http2Stream.destroy() cuts the answer off", async () => {
  const session = client();
  const stream = session.request({ ":path": "/held" });
  await once(server, "held");
  held.writeHead(200);
  held.write(Buffer.from("half"));
  held.destroy();
  await assert.rejects(buffer(stream), /INTERNAL_ERROR/);
  session.destroy();
});

test("Http2Connection ends an answer also when the client has made its window smaller than what it was sent", async () => {
  const session = client();
  const stream = session.request({ ":path": "/held" });
  await once(server, "held");
  held.writeHead(200);
  held.write(Buffer.alloc(100));
  await once(stream, "data");
  await new Promise((resolve) => session.settings({ initialWindowSize: 0 }, resolve));
  const ended = once(stream, "end");
  stream.resume();
  held.end();
  await ended;
  session.destroy();
});

test("Http2Stream gives the connection what was read back once, also when it is read after the end", async () => {
  const credits: number[] = [];
  const host = { socket: undefined as never, sendHeaders() {}, sendBody() {}, reset() {}, credit: (_: unknown, bytes: number) => void credits.push(bytes) };
  const stream = new Http2Stream(host, 1, { method: "POST", path: "/", headers: {}, fields: [] }, 0, 0);
  stream.receive(Buffer.from("early"), false);
  const body = stream.bodyStream();
  body.read(0);
  assert.deepEqual(credits, [5]);
  for (let i = 0; i < 20; i++) stream.receive(Buffer.alloc(16_384), false);
  const before = credits.length;
  assert.ok(stream.unreadBytes > 0);
  stream.over();
  await assert.rejects(buffer(body), /gone/);
  assert.equal(stream.unreadBytes, 0);
  assert.equal(credits.length, before);
});

test("Http2Stream.bodyStream() of a client that goes away ends, and harms nobody who has not asked", async () => {
  const host = { socket: undefined as never, sendHeaders() {}, sendBody() {}, reset() {}, credit() {} };
  const stream = new Http2Stream(host, 1, { method: "POST", path: "/", headers: {}, fields: [] }, 0, 0);
  const body = stream.bodyStream();
  body.resume();
  stream.receive(Buffer.from("half"), false);
  await new Promise(setImmediate);
  stream.over();
  await new Promise(setImmediate);
  assert.ok(body.destroyed);
});

// What Node's client cannot send.

const GET = Buffer.from([0x82, 0x84, 0x86]); // method GET, path "/", scheme http
const POST = Buffer.from([0x83, 0x84, 0x86]);
/** A POST to a path. */
const pathed = (path: string) => Buffer.concat([Buffer.from([0x83, 0x86, 0x04, path.length]), Buffer.from(path)]);

const START = Buffer.concat([PREFACE, settingsFrame([])]);

interface Seen {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Sends bytes, then a ping; gives the frames that came before its answer, or before the end. */
async function exchangeFrames(...sent: readonly Uint8Array[]): Promise<Seen[]> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(Buffer.concat([START, ...sent, frame(FRAME.ping, 0, 0, Buffer.alloc(8))]));
  const seen: Seen[] = [];
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
      const end = 9 + bytes.readUIntBE(0, 3);
      seen.push({ type: bytes[3]!, flags: bytes[4]!, stream: bytes.readUInt32BE(5), payload: bytes.subarray(9, end) });
      bytes = bytes.subarray(end);
    }
    if (seen.some(({ type, flags }) => type === FRAME.ping && flags === FLAG.ack)) break;
  }
  socket.destroy();
  return seen.filter(({ type }) => type !== FRAME.settings && type !== FRAME.windowUpdate && type !== FRAME.ping);
}

const resets = (seen: readonly Seen[]) =>
  seen.flatMap(({ type, stream, payload }) => (type === FRAME.rstStream ? [`${stream}: ${payload.readUInt32BE(0)}`] : []));
const goaways = (seen: readonly Seen[]) => seen.flatMap(({ type, payload }) => (type === FRAME.goaway ? [payload.readUInt32BE(4)] : []));
const headers = (block: Uint8Array, flags: number = FLAG.endHeaders | FLAG.endStream, stream = 1) => frame(FRAME.headers, flags, stream, block);
const literal = (name: string, value: string) =>
  Buffer.from(`\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`, "latin1");

for (const { name, sent } of [
  { name: "in one frame", sent: [headers(GET)] },
  { name: "with padding and a priority", sent: [headers(Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 9]), GET, Buffer.alloc(3)]), 0x2d)] },
  {
    name: "in pieces",
    sent: [headers(GET.subarray(0, 1), FLAG.endStream), ...[1, 2].map((i) => frame(FRAME.continuation, i === 2 ? 4 : 0, 1, GET.subarray(i, i + 1)))],
  },
  {
    name: "with a body, padding and trailers",
    sent: [headers(pathed("/echo"), 4), frame(FRAME.data, 8, 1, Buffer.from([2, 65, 0, 0])), headers(literal("a", "b"))],
  },
  { name: "that it answers before the trailers come", sent: [headers(GET, 4), headers(literal("a", "b"))] },
  { name: "among frames that nobody knows", sent: [frame(99, 255, 7, Buffer.alloc(3)), headers(GET)] },
]) {
  test(`Http2Connection takes a request ${name}`, async () => {
    const seen = await exchangeFrames(...sent);
    assert.deepEqual(goaways(seen), []);
    const answered = seen.filter(({ type }) => type !== FRAME.rstStream);
    assert.deepEqual(
      answered.map(({ type, stream }) => [type, stream]),
      [
        [FRAME.headers, 1],
        [FRAME.data, 1],
      ],
    );
  });
}

for (const { name, block, code } of [
  { name: "without a path", block: Buffer.from([0x82, 0x86]) },
  { name: "with two methods", block: Buffer.concat([GET, GET.subarray(0, 1)]) },
  { name: "with a pseudo-header that does not exist", block: Buffer.concat([GET, literal(":x", "y")]) },
  { name: "with a pseudo-header after others", block: Buffer.concat([literal("a", "b"), GET]) },
  { name: "with capitals", block: Buffer.concat([GET, literal("A", "b")]) },
  { name: "with a header of connections", block: Buffer.concat([GET, literal("connection", "close")]) },
  { name: "with a line break in a value", block: Buffer.concat([GET, literal("a", "b\r\nc")]) },
  { name: "that promises a body and has none", block: Buffer.concat([POST, literal("content-length", "5")]) },
  {
    name: "with more headers than anybody needs",
    block: Buffer.concat([GET, ...Array.from({ length: 2500 }, () => literal("a", ""))]),
    code: CODE.enhanceYourCalm,
  },
] as { name: string; block: Buffer; code?: number }[]) {
  test(`Http2Connection refuses a request ${name}, and goes on`, async () => {
    const seen = await exchangeFrames(headers(block), headers(GET, 5, 3));
    assert.deepEqual(resets(seen), [`1: ${code ?? CODE.protocolError}`]);
    assert.ok(seen.some(({ type, stream }) => type === FRAME.headers && stream === 3));
  });
}

test("Http2Connection refuses streams above the limit", async () => {
  const seen = await exchangeFrames(...Array.from({ length: MAX_STREAMS + 2 }, (_, i) => headers(pathed("/held"), FLAG.endHeaders, 2 * i + 1)));
  assert.deepEqual(resets(seen), [`${2 * MAX_STREAMS + 1}: ${CODE.refusedStream}`, `${2 * MAX_STREAMS + 3}: ${CODE.refusedStream}`]);
});

test("Http2Connection ends a connection that opens streams only to cut them off", async () => {
  const reset = Buffer.alloc(4);
  const storm = Array.from({ length: 1100 }, (_, i) => [headers(pathed("/held"), 4, 2 * i + 1), frame(FRAME.rstStream, 0, 2 * i + 1, reset)]).flat();
  assert.deepEqual(goaways(await exchangeFrames(...storm)), [CODE.enhanceYourCalm]);
});

test("Http2Connection ends a connection that changes its settings without end", async () => {
  const storm = Array.from({ length: 1100 }, (_, i) => settingsFrame([[4, i % 2]]));
  assert.deepEqual(goaways(await exchangeFrames(...storm)), [CODE.enhanceYourCalm]);
});

test("Http2Connection ends a connection that opens streams only to have them cut off", async () => {
  const storm = Array.from({ length: 1100 }, (_, i) => [headers(pathed("/held"), 4, 2 * i + 1), windowUpdateFrame(2 * i + 1, 0)]).flat();
  assert.deepEqual(goaways(await exchangeFrames(...storm)), [CODE.enhanceYourCalm]);
});

test("Http2Connection.goaway() lets what was asked end, and does not hear what comes after it", async () => {
  const late = [headers(pathed("/echo"), 4, 3), frame(FRAME.data, FLAG.endStream, 3, Buffer.from("x")), headers(GET, 5, 5)];
  const seen = await exchangeFrames(headers(pathed("/farewell")), ...late);
  assert.deepEqual(goaways(seen), [CODE.noError]);
  assert.deepEqual(new Set(seen.map(({ stream }) => stream)), new Set([0, 1]));
});

for (const { name, sent, code } of [
  {
    name: "endless headers",
    sent: [headers(GET, 0), ...Array.from({ length: 100 }, () => frame(FRAME.continuation, 0, 1, Buffer.alloc(0)))],
    code: CODE.enhanceYourCalm,
  },
  { name: "a stream of the server's", sent: [headers(GET, 5, 2)], code: CODE.protocolError },
  { name: "more padding than there is", sent: [headers(Buffer.from([9, 0x82]), 0x0d)], code: CODE.protocolError },
  { name: "another frame within headers", sent: [headers(GET, 0), windowUpdateFrame(0, 1)], code: CODE.protocolError },
  { name: "a window above the limit", sent: [windowUpdateFrame(0, 0x7fff_ffff)], code: CODE.flowControlError },
  { name: "windows of streams above the limit", sent: [settingsFrame([[4, 0x8000_0000]])], code: CODE.flowControlError },
  { name: "a push", sent: [frame(FRAME.pushPromise, 4, 1, GET)], code: CODE.protocolError },
  { name: "an end of a stream that is not there", sent: [frame(FRAME.rstStream, 0, 9, Buffer.alloc(4))], code: CODE.protocolError },
]) {
  test(`Http2Connection ends with ${name}`, async () => assert.deepEqual(goaways(await exchangeFrames(...sent)), [code]));
}

test("Http2Connection ends with more of bodies than it has let come", async () => {
  const body = Array.from({ length: 140 }, () => frame(FRAME.data, 0, 1, Buffer.alloc(16_384)));
  const seen = await exchangeFrames(headers(pathed("/held"), 4, 1), ...body);
  assert.deepEqual(resets(seen), [`1: ${CODE.flowControlError}`]);
});

test("Http2Connection is over when its socket is, and nobody waits for it", async () => {
  const socket = connect(port, "127.0.0.1");
  socket.write(Buffer.concat([START, headers(pathed("/held"), 4, 1)]));
  await once(server, "held");
  const closed = once(held, "close");
  const body = held.readBody(100);
  socket.destroy();
  await closed;
  await assert.rejects(body, /gone/);
  assert.ok(held.closed);
  assert.equal(held.write(Buffer.from("x")), true, "into nothing");
});
