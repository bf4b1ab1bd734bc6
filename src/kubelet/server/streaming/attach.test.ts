import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";

import type { Runtime } from "#kubelet/cri/runtime.ts";
import { SpdyConnection, type SpdyStream } from "#lib/spdy/connection.ts";

import { runAttach } from "./attach.ts";
import type { CommandStreams, Outcome } from "./command-streams.ts";

type Streams = Record<string, SpdyStream>;

/** A runtime's streaming server; `serve` gets each connection's streams as they come. */
async function startRuntime(context: TestContext, serve: (type: string, streams: Streams, connection: number) => void): Promise<Runtime> {
  let connections = 0;
  const server = createServer().on("upgrade", (_request, socket, head) => {
    const connection = connections++;
    const streams: Streams = {};
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n");
    const onStream = (stream: SpdyStream) => {
      const type = stream.headers["streamtype"]!;
      streams[type] = stream.on("error", () => {});
      serve(type, streams, connection);
    };
    new SpdyConnection(socket, { role: "server", onStream }, head);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { attach: async () => `http://127.0.0.1:${port}/attach` } as unknown as Runtime;
}

interface Client {
  readonly stdin: PassThrough;
  readonly stdout: PassThrough;
  readonly stderr: PassThrough;
  readonly gone: AbortController;
  readonly outcomes: Outcome[];
  readonly streams: CommandStreams;
}

function newClient(): Client {
  const [stdin, stdout, stderr, gone, outcomes] = [new PassThrough(), new PassThrough(), new PassThrough(), new AbortController(), [] as Outcome[]];
  const finish = async (outcome: Outcome) => void outcomes.push(outcome);
  return { stdin, stdout, stderr, gone, outcomes, streams: { stdin, stdout, stderr, gone: gone.signal, onResize: () => {}, finish } };
}

const ALL = { containerId: "c", stdin: true, stdout: true, stderr: true, tty: false, stdinOnce: false };
const SUCCESS = '{"metadata":{},"status":"Success"}';
const ENDED: Outcome = { kind: "exited", exitCode: 0, command: [] };

test("runAttach() delivers what is written after another output has ended", async (context) => {
  const runtime = await startRuntime(context, (type, streams, connection) => {
    if (type === "stdin") {
      assert.equal(connection, 1);
      assert.deepEqual(Object.keys(streams), ["error", "stdin"]);
      streams["stdin"]!.once("data", () => outputs["stderr"]!.end());
      return;
    }
    if (connection === 0) outputs = streams;
    // As containerd does, all outputs go with the first where there is an input beside them.
    if (type === "stderr")
      streams["stderr"]!.once("finish", () => void (streams["stdin"] === undefined ? streams["stdout"]!.end("all of it") : streams["stdout"]!.end()));
    if (type === "stderr") streams["stderr"]!.once("finish", () => void streams["error"]!.end(SUCCESS));
  });
  let outputs: Streams = {};
  const client = newClient();
  client.stdin.write("go");
  const attached = runAttach(ALL, client.streams, { runtime });
  assert.equal(await text(client.stdout), "all of it");
  await attached;
  assert.deepEqual(client.outcomes, [ENDED]);
});

for (const { stdinOnce, leaves } of [
  { stdinOnce: false, leaves: true },
  { stdinOnce: true, leaves: false },
]) {
  test(`runAttach() ${leaves ? "leaves" : "stays with"} a container when the input ends, if its input is ${leaves ? "others', too" : "the client's alone"}`, async (context) => {
    const inputEnded = Promise.withResolvers<void>();
    let outputs: Streams = {};
    const runtime = await startRuntime(context, (type, streams, connection) => {
      if (connection === 0) outputs = streams;
      if (type === "stdin") streams["stdin"]!.once("end", () => inputEnded.resolve()).resume();
    });
    const client = newClient();
    const attached = runAttach({ ...ALL, stdinOnce }, client.streams, { runtime });
    client.stdin.end("question");
    if (!leaves) {
      await inputEnded.promise;
      assert.deepEqual(client.outcomes, []);
      outputs["stdout"]!.end("answer");
      outputs["stderr"]!.end();
      outputs["error"]!.end(SUCCESS);
      assert.equal(await text(client.stdout), "answer");
    }
    await attached;
    assert.deepEqual(client.outcomes, [ENDED]);
  });
}

test("runAttach() has one connection for a terminal", async (context) => {
  const types: string[] = [];
  const runtime = await startRuntime(context, (type, streams, connection) => {
    types.push(`${connection} ${type}`);
    if (type !== "resize") return;
    streams["stdout"]!.end("$ ");
    streams["error"]!.end(SUCCESS);
  });
  const client = newClient();
  await runAttach({ ...ALL, stderr: false, tty: true }, client.streams, { runtime });
  assert.deepEqual(types, ["0 error", "0 stdin", "0 stdout", "0 resize"]);
  assert.deepEqual(client.outcomes, [ENDED]);
});

test("runAttach() lets go of the runtime when the client goes, and tells of one that cannot be reached", async (context) => {
  const closed = Promise.withResolvers<void>();
  const runtime = await startRuntime(context, (type, streams) => {
    if (type === "stdout") streams["stdout"]!.once("close", () => closed.resolve()).resume();
    if (type === "stderr") client.gone.abort();
  });
  const client = newClient();
  await runAttach(ALL, client.streams, { runtime });
  await closed.promise;
  const failing = { attach: () => Promise.reject(new Error("no such container")) } as unknown as Runtime;
  const other = newClient();
  await runAttach(ALL, other.streams, { runtime: failing });
  assert.deepEqual(other.outcomes, [{ kind: "failed", message: "error attaching to container: no such container" }]);
});
