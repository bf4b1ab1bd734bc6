import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";

import { Exchange, type Incoming, type Outgoing } from "#apiserver/http/exchange.ts";
import { sendBytes } from "#apiserver/http/respond.ts";

const LARGE = 200 * 1024;

interface Asked {
  readonly method?: string;
  readonly from?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request to 10.0.0.1, and what it is answered. */
async function answerTo({ method = "GET", from = "10.0.0.2", headers = {} }: Asked, pieces: readonly Uint8Array[]) {
  const sent: { headers: Record<string, string>; body: Buffer } = { headers: {}, body: Buffer.alloc(0) };
  const response = {
    headersSent: false,
    writableEnded: false,
    on() {},
    writeHead: (_code: number, given: Record<string, string>) => void (sent.headers = given),
    end: (body: Buffer = Buffer.alloc(0)) => void (sent.body = body),
  };
  const request = { method, url: "/x", headers, socket: { remoteAddress: from, localAddress: "10.0.0.1" } };
  await sendBytes(new Exchange(request as unknown as Incoming, response as unknown as Outgoing), 200, "application/json", pieces);
  return sent;
}

const gzip = { "accept-encoding": "deflate, gzip" };

for (const { name, asked, pieces, packed } of [
  { name: "a large body is packed for who can unpack it", asked: { headers: gzip }, pieces: 3, packed: true },
  { name: "a body goes as it is to a client that says nothing", asked: {}, pieces: 3, packed: false },
  { name: "a body goes as it is to a client on the same machine", asked: { headers: gzip, from: "10.0.0.1" }, pieces: 3, packed: false },
  { name: "a small body goes as it is", asked: { headers: gzip }, pieces: 0, packed: false },
  { name: "what answers a change goes as it is", asked: { method: "POST", headers: gzip }, pieces: 3, packed: false },
] as const) {
  test(`sendBytes(): ${name}`, async () => {
    const body = [Buffer.from("head"), ...Array.from({ length: pieces }, (_, i) => Buffer.alloc(LARGE, i))];
    const { headers, body: sent } = await answerTo(asked, body);
    assert.equal(headers["content-encoding"], packed ? "gzip" : undefined);
    assert.equal(headers["content-length"], String(sent.length));
    assert.ok((packed ? gunzipSync(sent) : sent).equals(Buffer.concat(body)));
  });
}

test("sendBytes() tells the length of what a HEAD does not get", async () => {
  const { headers, body } = await answerTo({ method: "HEAD" }, [Buffer.from("head"), Buffer.from("tail")]);
  assert.deepEqual([headers["content-length"], body.length], ["8", 0]);
});
