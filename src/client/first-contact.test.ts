import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";

import { PODS } from "#api/builtin.ts";
import { afterContact, firstContact } from "#client/first-contact.ts";
import type { Transport } from "#client/transport.ts";
import { systemClock } from "#lib/system-clock.ts";

const never = new AbortController().signal;

test("firstContact() resolves once the server accepts connections", async () => {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  let refused = 0;
  const clock = {
    ...systemClock,
    after: (delayMs: number, run: () => void) => {
      if (++refused === 3) server.listen(port, "127.0.0.1");
      return systemClock.after(delayMs, run);
    },
  };
  await firstContact(`https://127.0.0.1:${port}`, clock, never);
  assert.ok(refused >= 3);
  server.close();
});

test("firstContact() gives up when it is told to", async () => {
  const stop = new AbortController();
  const clock = { ...systemClock, after: (delayMs: number, run: () => void) => (stop.abort(new Error("enough")), systemClock.after(delayMs, run)) };
  await assert.rejects(firstContact("https://127.0.0.1:1", clock, stop.signal), /enough/);
});

test("afterContact() holds calls and watches back until there is somebody to take them", async () => {
  const seen: string[] = [];
  const transport: Transport = {
    perform: async ({ verb }) => void seen.push(verb),
    watch: () => {
      seen.push("watch");
      return { stop: () => void seen.push("stop") };
    },
  };
  const { promise, resolve } = Promise.withResolvers<void>();
  const patient = afterContact(transport, promise);
  const listed = patient.perform({ verb: "list", resource: PODS });
  const sink = { onEvent: () => {}, onEnd: () => {} };
  const watch = patient.watch({ resource: PODS, resourceVersion: "1" }, sink);
  patient.watch({ resource: PODS, resourceVersion: "1" }, sink).stop();
  assert.deepEqual(seen, []);
  resolve();
  await listed;
  watch.stop();
  assert.deepEqual(seen.sort(), ["list", "stop", "watch"]);
});
