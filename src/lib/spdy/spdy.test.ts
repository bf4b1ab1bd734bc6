import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { test } from "node:test";

import fc from "fast-check";

import { SpdyConnection, type SpdyStream } from "./connection.ts";
import { encodeFrame, FrameParser, type SpdyFrame } from "./frames.ts";
import { HeaderDecoder, HeaderEncoder } from "./header-block.ts";

const streamId = fc.integer({ min: 1, max: 0x7fff_ffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const bytes = fc.uint8Array({ maxLength: 200 }).map((data) => Buffer.from(data));
const anyFrame: fc.Arbitrary<Exclude<SpdyFrame, { type: "other" }>> = fc.oneof(
  fc.record({ type: fc.constant("data" as const), streamId, data: bytes, fin: fc.boolean() }),
  fc.record({ type: fc.constantFrom("synStream" as const, "synReply" as const, "headers" as const), streamId, block: bytes, fin: fc.boolean() }),
  fc.record({ type: fc.constant("rstStream" as const), streamId, status: uint32 }),
  fc.record({ type: fc.constant("ping" as const), id: uint32 }),
  fc.record({ type: fc.constant("goaway" as const), lastStreamId: streamId, status: uint32 }),
  fc.record({ type: fc.constant("windowUpdate" as const), streamId, delta: streamId }),
);

test("FrameParser.feed() gives back the frames, however they are cut", () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 8 }), fc.integer({ min: 1, max: 50 }), (frames, size) => {
      const sent = Buffer.concat(frames.map(encodeFrame));
      const parser = new FrameParser();
      const got: SpdyFrame[] = [];
      for (let at = 0; at < sent.length; at += size) got.push(...parser.feed(sent.subarray(at, at + size)));
      assert.deepEqual(
        got,
        frames.map((frame) => ({ ...frame })),
      );
    }),
  );
});

test("HeaderDecoder.decode() undoes HeaderEncoder.encode() over a whole connection", () => {
  const name = fc.stringMatching(/^[a-z][a-z-]{0,12}$/);
  fc.assert(
    fc.property(fc.array(fc.dictionary(name, fc.string({ maxLength: 40, unit: "binary" }), { noNullPrototype: true }), { maxLength: 12 }), (blocks) => {
      const encoder = new HeaderEncoder();
      const decoder = new HeaderDecoder();
      for (const headers of blocks) assert.deepEqual(decoder.decode(encoder.encode(headers)), headers);
    }),
    { numRuns: 20 },
  );
});

async function pair(onStream: (stream: SpdyStream) => void) {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [peer] = await accepted;
  new SpdyConnection(peer, { role: "server", onStream });
  const client = new SpdyConnection(socket, { role: "client" });
  return {
    client,
    close: () => {
      socket.destroy();
      peer.destroy();
      server.close();
    },
  };
}

test("SpdyConnection carries many streams at once, each closed by halves", async () => {
  const { client, close } = await pair((stream) => void stream.pipe(stream));
  const sent = Array.from({ length: 20 }, (_, i) => Buffer.alloc(300_000 + i, i));
  const got = await Promise.all(
    sent.map((data, i) => {
      const stream = client.open({ streamtype: "data", number: String(i) });
      stream.end(data);
      return buffer(stream);
    }),
  );
  close();
  assert.ok(got.every((data, i) => data.equals(sent[i]!)));
});

test("SpdyStream.reset() lets what was written before arrive", async () => {
  const { client, close } = await pair((stream) => {
    assert.equal(stream.headers["streamtype"], "error");
    stream.write("refused");
    stream.reset();
  });
  assert.equal(await text(client.open({ streamType: "error" })), "refused");
  close();
});

test("SpdyStream.accepted resolves when the peer has taken the stream, or has refused it", async () => {
  const taken: SpdyStream[] = [];
  const { client, close } = await pair((stream) => void taken.push(stream));
  await client.open({}).accepted;
  assert.equal(taken.length, 1);
  const lost = client.open({});
  close();
  await lost.accepted;
});

test("SpdyConnection ends its streams when the connection is lost", async () => {
  const streams: SpdyStream[] = [];
  const { client, close } = await pair((stream) => void streams.push(stream));
  const stream = client.open({});
  const ended = text(stream);
  stream.write("x");
  close();
  assert.equal(await ended, "");
});
