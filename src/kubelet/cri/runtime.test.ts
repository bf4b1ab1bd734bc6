import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { CriRuntime } from "./runtime.ts";

/** A containerd whose calls end with the status that `statusOf` gives for their names. */
async function served(t: TestContext, statusOf: (name: string) => number): Promise<{ runtime: CriRuntime; calls: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), "skiff-cri-"));
  const socket = join(folder, "s");
  const calls: string[] = [];
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const name = headers[":path"]?.split("/").at(-1) ?? "";
    calls.push(name);
    const status = statusOf(name);
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(status), "grpc-message": "said so" }));
    stream.end(status === 0 ? Buffer.alloc(5) : undefined); // an empty message
  });
  server.listen(socket);
  await once(server, "listening");
  const runtime = new CriRuntime(socket);
  t.after(() => {
    runtime.close();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return { runtime, calls };
}

const FAILED_PRECONDITION = 9;

for (const { remove, name } of [
  { remove: (runtime: CriRuntime) => runtime.removeContainer("c1"), name: "RemoveContainer" },
  { remove: (runtime: CriRuntime) => runtime.removePodSandbox("c1"), name: "RemovePodSandbox" },
]) {
  test(`${name} takes away the task that a start which was cut off has left`, async (t) => {
    let hasTask = true;
    const { runtime, calls } = await served(t, (called) => {
      if (called === "Delete") hasTask = false;
      return called === name && hasTask ? FAILED_PRECONDITION : 0;
    });
    await remove(runtime);
    assert.deepEqual(calls, [name, "Delete", name]);
  });

  test(`${name} fails when the task still runs, or for another reason`, async (t) => {
    const { runtime, calls } = await served(t, () => FAILED_PRECONDITION);
    await assert.rejects(remove(runtime), { code: FAILED_PRECONDITION });
    assert.deepEqual(calls, [name, "Delete"]);
    const other = await served(t, () => 13);
    await assert.rejects(remove(other.runtime), { code: 13 });
    assert.deepEqual(other.calls, [name]);
  });
}
