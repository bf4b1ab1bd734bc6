import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer as createSocketServer, type Socket } from "node:net";
import { after, test, type TestContext } from "node:test";
import fc from "fast-check";
import { SimClock } from "#lib/sim-clock.ts";
import { GrpcClient } from "./grpc-client.ts";
import { GRPC_DEADLINE_EXCEEDED, GRPC_RESOURCE_EXHAUSTED, GRPC_UNAVAILABLE, GrpcError } from "./grpc-error.ts";
import { framed, MessageReader, MessageTooLargeError } from "./messages.ts";

interface Served {
  readonly client: GrpcClient;
  readonly server: Http2Server;
  readonly sessions: ServerHttp2Session[];
}

const servers: Http2Server[] = [];
after(() => servers.forEach((server) => server.close()));

/** A server whose calls `answer` ends, with a client for it. */
async function served(t: TestContext, answer: (stream: ServerHttp2Stream, path: string) => void): Promise<Served> {
  const server = createServer();
  const sessions: ServerHttp2Session[] = [];
  server.on("session", (session) => void sessions.push(session));
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on("error", () => {});
    answer(stream, headers[":path"] ?? "");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  const client = new GrpcClient({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
  t.after(() => client.close());
  return { client, server, sessions };
}

function finish(stream: ServerHttp2Stream, messages: readonly string[], trailers: Record<string, string> = { "grpc-status": "0" }): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  for (const message of messages) stream.write(framed(Buffer.from(message)));
  stream.end();
}

const none = new Uint8Array();
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const withCode = (code: number) => (error: unknown) => error instanceof GrpcError && error.code === code;

test("unary() gives the response, or the server's status with its words", async (t) => {
  const { client } = await served(t, (stream, path) => {
    if (path === "/good") finish(stream, ["yes"]);
    else finish(stream, [], { "grpc-status": "5", "grpc-message": "no%20such thing" });
  });
  assert.equal(textOf(await client.unary("/good", none)), "yes");
  await assert.rejects(client.unary("/bad", none), { code: 5, description: "no such thing", message: "rpc error: code = NotFound desc = no such thing" });
});

test("after a farewell the calls in flight end, and new ones take a new connection", async (t) => {
  const held: ServerHttp2Stream[] = [];
  const { client, sessions } = await served(t, (stream, path) => {
    if (path === "/held") held.push(stream);
    else finish(stream, ["new"]);
  });
  const slow = client.unary("/held", none);
  while (held.length === 0) await new Promise(setImmediate);
  sessions[0]!.goaway();
  await new Promise((resolve) => sessions[0]!.ping(Buffer.alloc(8), resolve)); // the client has read the farewell
  assert.equal(textOf(await client.unary("/other", none)), "new");
  assert.equal(sessions.length, 2);
  finish(held[0]!, ["late"]);
  assert.equal(textOf(await slow), "late");
});

test("a farewell in anger breaks the calls in flight, and the next call works", async (t) => {
  const held: ServerHttp2Stream[] = [];
  const { client, sessions } = await served(t, (stream, path) => {
    if (path === "/held") held.push(stream);
    else finish(stream, ["new"]);
  });
  const slow = client.unary("/held", none);
  while (held.length === 0) await new Promise(setImmediate);
  sessions[0]!.goaway(11); // ENHANCE_YOUR_CALM
  await assert.rejects(slow, withCode(GRPC_UNAVAILABLE));
  assert.equal(textOf(await client.unary("/other", none)), "new");
});

test("close() ends calls on a connection that was told farewell, too", async (t) => {
  const held: ServerHttp2Stream[] = [];
  const { client, sessions } = await served(t, (stream) => void held.push(stream));
  const slow = client.unary("/held", none);
  while (held.length === 0) await new Promise(setImmediate);
  sessions[0]!.goaway();
  await new Promise((resolve) => sessions[0]!.ping(Buffer.alloc(8), resolve));
  client.close();
  await assert.rejects(slow, withCode(GRPC_UNAVAILABLE));
});

test("calls fail while nobody listens, and work as soon as somebody does", async (t) => {
  const { client, server, sessions } = await served(t, (stream) => finish(stream, ["back"]));
  await client.unary("/x", none);
  const { port } = server.address() as AddressInfo;
  sessions[0]!.destroy();
  server.close();
  await once(server, "close");
  const refusal = async () => (await client.unary("/x", none).catch((error: unknown) => error)) as GrpcError;
  let error = await refusal();
  while (/REFUSED_STREAM/.test(error.message)) error = await refusal(); // the client has yet to hear that its connection ended
  assert.match(error.message, /code = Unavailable desc = .*ECONNREFUSED/);
  assert.notEqual(error.cause, undefined);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  assert.equal(textOf(await client.unary("/x", none)), "back");
});

test("duplex() sends as it likes, and cancel() ends the call", async (t) => {
  const { client } = await served(t, (stream) => {
    stream.respond({ ":status": 200 });
    stream.on("data", (chunk: Buffer) => void stream.write(chunk)); // an echo
  });
  const seen: string[] = [];
  const ended = new Promise<GrpcError | undefined>((resolve) => {
    const call = client.duplex("/echo", {
      onMessage: (bytes) => void (seen.push(textOf(bytes)) === 2 ? call.cancel() : call.send(Buffer.from("b"))),
      onEnd: resolve,
    });
    call.send(Buffer.from("a"));
  });
  assert.equal((await ended)?.code, GRPC_UNAVAILABLE);
  assert.deepEqual(seen, ["a", "b"]);
});

test("many large calls go at once", async (t) => {
  const { client } = await served(t, (stream) => {
    stream.resume();
    stream.on("end", () => finish(stream, ["ok"]));
  });
  const large = new Uint8Array(1_000_000);
  const first = Array.from({ length: 30 }, () => client.unary("/x", large));
  await new Promise(setImmediate); // they are on their way
  const answers = await Promise.all([...first, ...Array.from({ length: 10 }, () => client.unary("/x", large))]);
  assert.deepEqual(new Set(answers.map(textOf)), new Set(["ok"]));
});

test("a message larger than the client takes ends the call with ResourceExhausted", async (t) => {
  const { client } = await served(t, (stream) => {
    stream.respond({ ":status": 200 });
    stream.write(Buffer.from([0, 0x7f, 0, 0, 0]));
  });
  await assert.rejects(client.unary("/x", none), withCode(GRPC_RESOURCE_EXHAUSTED));
});

test("a watchdog ends what nobody answers: a call, a connect, a connection without pings", async (t) => {
  const clock = new SimClock();
  const mute = createSocketServer(() => {}); // takes connections and says nothing
  mute.listen(0, "127.0.0.1");
  await once(mute, "listening");
  t.after(() => mute.close());
  const sockets: Socket[] = [];
  mute.on("connection", (socket) => socket.once("data", () => void sockets.push(socket))); // by then the client knows that it is connected
  const watchdog = { clock, connectTimeoutMs: 500, pingEveryMs: 10_000, pingTimeoutMs: 5000 };
  const client = new GrpcClient({ host: "127.0.0.1", port: (mute.address() as AddressInfo).port }, { watchdog });
  t.after(() => client.close());
  const late = client.unary("/x", none, { timeoutMs: 3000 });
  while (sockets.length === 0) await new Promise(setImmediate);
  clock.advance(3000);
  await assert.rejects(late, withCode(GRPC_DEADLINE_EXCEEDED));
  const hung = client.unary("/x", none);
  clock.advance(10_000);
  clock.advance(5000);
  await assert.rejects(hung, /no answer to a ping within 5 s/);
  sockets.forEach((socket) => socket.destroy());
  const connecting = client.unary("/x", none);
  clock.advance(500);
  await assert.rejects(connecting, /no connection within 0.5 s/);
});

test("close() leaves no ping that falls due before the connection has gone", async (t) => {
  const { server } = await served(t, (stream) => finish(stream, ["ok"]));
  const clock = new SimClock();
  const watchdog = { clock, connectTimeoutMs: 500, pingEveryMs: 10_000, pingTimeoutMs: 5000 };
  const client = new GrpcClient({ host: "127.0.0.1", port: (server.address() as AddressInfo).port }, { watchdog });
  await client.unary("/x", none);
  client.close();
  assert.doesNotThrow(() => clock.advance(10_000));
});

test("MessageReader finds every message, however the stream is cut", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (messages, cuts) => {
      const stream = Buffer.concat(messages.map(framed));
      const reader = new MessageReader(100);
      const found: Buffer[] = [];
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = cuts[i % cuts.length]!;
        found.push(...reader.push(stream.subarray(at, at + size)));
        at += size;
      }
      assert.deepEqual(
        found.map((bytes) => bytes.toString("hex")),
        messages.map((bytes) => Buffer.from(bytes).toString("hex")),
      );
    }),
  );
  assert.throws(() => new MessageReader(10).push(framed(Buffer.alloc(11))), MessageTooLargeError);
});
