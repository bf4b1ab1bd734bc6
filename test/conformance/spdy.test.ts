import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";

import { SpdyConnection, type SpdyStream } from "#lib/spdy/connection.ts";

import { BUILD_LIMIT_MS, buildGo, runProgram } from "./go-program.ts";

const RUN_LIMIT_MS = 90_000;
const STREAMS = 60;
const STREAM_BYTES = 300_000;

test("SpdyConnection and the library of kubectl carry streams both ways", { timeout: BUILD_LIMIT_MS + RUN_LIMIT_MS }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "spdy-peer-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, "peer");
  const why = buildGo("spdy-peer", program);
  if (why !== undefined) return context.skip(why);
  const server = createServer((socket) => {
    const spdy = new SpdyConnection(socket, { role: "server", onStream: (stream) => void answer(spdy, stream) });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { code, output } = await runProgram(program, [`127.0.0.1:${port}`, String(STREAMS), String(STREAM_BYTES)], RUN_LIMIT_MS);
  assert.equal(code, 0, output);
  assert.equal(output, "ok\n");
});

async function answer(spdy: SpdyConnection, stream: SpdyStream): Promise<void> {
  const { call, reset } = stream.headers;
  if (reset !== undefined) {
    stream.write("enough");
    return stream.reset();
  }
  if (call !== undefined) {
    const heard = await Promise.all(Array.from({ length: Number(call) }, (_, i) => called(spdy, i)));
    if (!stream.writableEnded) stream.end(heard.join(" ")); // else the peer has failed, and says why
    return;
  }
  const canonical = Object.entries(stream.headers).map(([name, value]) => [name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase()), value]);
  stream.write(`${JSON.stringify(Object.fromEntries(canonical))}\n`);
  stream.pipe(stream);
}

/** A stream of our own, which the peer is to give back after its number. */
async function called(spdy: SpdyConnection, number: number): Promise<string> {
  const stream = spdy.open({ number: String(number) });
  const sent = "x".repeat(100_000);
  stream.end(sent);
  const said = await text(stream);
  return said === `${number}\n${sent}` ? String(number) : `not ${number}`;
}
