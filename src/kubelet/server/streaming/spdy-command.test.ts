import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { duplexPair, type Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";

import { SimClock } from "#lib/sim-clock.ts";
import { SpdyConnection, type SpdyStream } from "#lib/spdy/connection.ts";

import type { Outcome, TerminalSize } from "./command-streams.ts";
import { SPDY_COMMAND_PROTOCOLS, SpdyCommand, type SpdyCommandProtocol } from "./spdy-command.ts";
import { chosenSpdyProtocol } from "./spdy-upgrade.ts";

const ALL = { stdin: true, stdout: true, stderr: true, tty: false };
const TERMINAL = { stdin: true, stdout: true, stderr: false, tty: true };
const FAILED: Outcome = { kind: "failed", message: "no luck" };

interface Client {
  readonly socket: Duplex;
  readonly spdy: SpdyConnection;
  readonly streams: Record<string, SpdyStream>;
}

/** A client that has opened some streams, and what the server made of it. */
async function opened(protocol: SpdyCommandProtocol, asked: typeof ALL, types: readonly string[], used = asked) {
  const [near, far] = duplexPair();
  const clock = new SimClock();
  const command = SpdyCommand.open(
    { request: {} as IncomingMessage, socket: far, head: Buffer.alloc(0), query: new URLSearchParams() },
    protocol,
    { asked, used },
    clock,
  );
  const head = await new Promise<Buffer>((resolve) => near.once("data", resolve));
  assert.match(head.toString(), new RegExp(`^HTTP/1\\.1 101 Switching Protocols\r\n.*X-Stream-Protocol-Version: ${protocol}\r\n\r\n$`, "s"));
  const spdy = new SpdyConnection(near, { role: "client" });
  const client: Client = { socket: near, spdy, streams: Object.fromEntries(types.map((type) => [type, spdy.open({ streamtype: type })])) };
  return { command, client, clock };
}

const ready = async (...args: Parameters<typeof opened>) => {
  const { command, ...rest } = await opened(...args);
  return { ...rest, command: (await command)! };
};

test("SpdyCommand carries input and outputs, and tells how the command ended", async () => {
  const { command, client } = await ready("v4.channel.k8s.io", ALL, ["error", "stdin", "stdout", "stderr"]);
  const { error, stdin, stdout, stderr } = client.streams;
  stdin!.end("question");
  assert.equal(await text(command.stdin!), "question");
  command.stdout!.end("answer");
  command.stderr!.end("complaint");
  const finished = command.finish({ kind: "exited", exitCode: 3, command: ["false"] });
  assert.deepEqual(await Promise.all([text(stdout!), text(stderr!)]), ["answer", "complaint"]);
  const status = JSON.parse(await text(error!)) as { status: string; details: unknown };
  assert.deepEqual([status.status, status.details], ["Failure", { causes: [{ reason: "ExitCode", message: "3" }] }]);
  client.socket.end();
  await finished;
});

for (const { protocol, outcome, want } of [
  { protocol: "v4.channel.k8s.io", outcome: { kind: "exited", exitCode: 0, command: [] }, want: '{"metadata":{},"status":"Success"}' },
  { protocol: "v3.channel.k8s.io", outcome: { kind: "exited", exitCode: 0, command: [] }, want: "" },
  { protocol: "v2.channel.k8s.io", outcome: FAILED, want: "Internal error occurred: no luck" },
  { protocol: "channel.k8s.io", outcome: FAILED, want: "Internal error occurred: no luck" },
] as const) {
  test(`SpdyCommand.finish() says ${outcome.kind} in ${protocol} as ${want || "nothing"}`, async () => {
    const { command, client } = await ready(protocol, { ...ALL, stdin: false }, ["error", "stdout", "stderr"]);
    const finished = command.finish(outcome);
    assert.equal(await text(client.streams["error"]!), want);
    client.socket.end();
    await finished;
  });
}

test("SpdyCommand.finish() leaves the end of the connection to the client, who may still send", async () => {
  const { command, client } = await ready("v4.channel.k8s.io", ALL, ["error", "stdin", "stdout", "stderr"]);
  let isOver = false;
  const finished = command.finish({ kind: "exited", exitCode: 0, command: [] }).then(() => (isOver = true));
  await text(client.streams["error"]!);
  // More than any buffer on the way holds: it has to be read, though nobody wants it.
  await new Promise((resolve) => client.streams["stdin"]!.write(Buffer.alloc(4 * 1024 * 1024), resolve));
  assert.equal(isOver, false);
  client.socket.end();
  await finished;
});

test("SpdyCommand tells sizes, however they are cut, the last one to who comes late", async () => {
  const { command, client } = await ready("v4.channel.k8s.io", TERMINAL, ["error", "stdin", "stdout", "resize"]);
  const sizes: TerminalSize[] = [];
  const resize = client.streams["resize"]!;
  const until = async (count: number) => {
    while (sizes.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  for (const part of ['{"Width":80,"He', 'ight":24}\n{"Width":', '81,"Height":25}\n nonsense} {"Width":82,"Height":26}']) resize.write(part);
  command.onResize((size) => void sizes.push(size));
  while (sizes.at(-1)?.width !== 82) await new Promise((resolve) => setImmediate(resolve));
  sizes.length = 0;
  resize.write('{"Width":90,"Height":30}');
  await until(1);
  assert.deepEqual(sizes, [{ width: 90, height: 30 }]);
  command.onResize((size) => void sizes.push(size));
  assert.equal(sizes.length, 2);
  client.socket.end();
});

test("SpdyCommand drops streams that nobody reads, and refuses those that nobody asked for", async () => {
  const { command, client } = await ready("v4.channel.k8s.io", ALL, ["error", "stdin", "stdout", "stderr"], { ...ALL, stdin: false, stderr: false, tty: true });
  assert.deepEqual([command.stdin, command.stderr], [undefined, undefined]);
  await new Promise((resolve) => client.streams["stdin"]!.write(Buffer.alloc(4 * 1024 * 1024), resolve));
  assert.equal(await text(client.spdy.open({ streamtype: "stdout" })), "");
  assert.equal(await text(client.spdy.open({ streamtype: "other" })), "");
  client.socket.end();
});

test("SpdyCommand.gone aborts when the client goes", async () => {
  const { command, client } = await ready("v4.channel.k8s.io", { ...ALL, stdin: false }, ["error", "stdout", "stderr"]);
  assert.equal(command.gone.aborted, false);
  client.socket.end();
  if (!command.gone.aborted) await new Promise((resolve) => command.gone.addEventListener("abort", resolve, { once: true }));
  await command.finish(FAILED);
});

test("SpdyCommand.open() gives up a client that does not open its streams, or goes first", async () => {
  const slow = await opened("v4.channel.k8s.io", ALL, ["error", "stdin"]);
  slow.clock.advance(30_000);
  assert.equal(await slow.command, undefined);
  const gone = await opened("v4.channel.k8s.io", ALL, ["error"]);
  gone.client.socket.end();
  assert.equal(await gone.command, undefined);
});

for (const { header, want } of [
  { header: "v4.channel.k8s.io, v3.channel.k8s.io, v2.channel.k8s.io, channel.k8s.io", want: "v4.channel.k8s.io" },
  { header: "v5.channel.k8s.io,v2.channel.k8s.io", want: "v2.channel.k8s.io" },
  { header: "channel.k8s.io", want: "channel.k8s.io" },
  { header: undefined, want: 400 },
  { header: " , ", want: 400 },
  { header: "v9.channel.k8s.io", want: 403 },
]) {
  test(`chosenSpdyProtocol() makes ${want} of ${header ?? "no header"}`, () => {
    const request = { headers: header === undefined ? {} : { "x-stream-protocol-version": header } };
    const choose = () => chosenSpdyProtocol(request, SPDY_COMMAND_PROTOCOLS);
    if (typeof want === "string") assert.equal(choose(), want);
    else assert.throws(choose, { code: want });
  });
}
