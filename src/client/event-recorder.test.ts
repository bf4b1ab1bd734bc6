import assert from "node:assert/strict";
import { test } from "node:test";

import { EVENTS } from "#api/builtin.ts";
import { Client } from "#client/client.ts";
import { ApiEventRecorder } from "#client/event-recorder.ts";
import { FakeTransport, unavailable } from "#client/testing/fake-transport.ts";
import { silentLogger } from "#lib/logger.ts";
import { SimClock } from "#lib/sim-clock.ts";

function setup() {
  const clock = new SimClock();
  const transport = new FakeTransport(clock);
  const recorder = new ApiEventRecorder({ client: new Client(transport), clock, logger: silentLogger, component: "kubelet", host: "n1" });
  return { clock, transport, recorder };
}

const pod = { kind: "Pod", apiVersion: "v1", namespace: "default", name: "web", uid: "u1" };

test("ApiEventRecorder writes an Event as upstream's recorder does", async () => {
  const { transport, recorder } = setup();
  recorder.record(pod, "Normal", "Pulled", "Container image already present");
  await recorder.flushed();
  const [event] = transport.objects(EVENTS);
  assert.match(event!.metadata.name, /^web\.[0-9a-f]{16}$/);
  assert.deepEqual(event!.source, { component: "kubelet", host: "n1" });
  assert.deepEqual([event!.count, event!.type, event!.reportingComponent, event!.reportingInstance], [1, "Normal", "kubelet", "n1"]);
});

test("ApiEventRecorder counts a repeated event up in place for ten minutes", async () => {
  const { transport, recorder, clock } = setup();
  for (let i = 0; i < 3; i++) {
    recorder.record(pod, "Warning", "BackOff", "Back-off restarting failed container");
    await recorder.flushed();
    clock.advance(60_000);
  }
  assert.deepEqual(
    transport.objects(EVENTS).map(({ count }) => count),
    [3],
  );
  clock.advance(11 * 60_000);
  recorder.record(pod, "Warning", "BackOff", "Back-off restarting failed container");
  await recorder.flushed();
  assert.deepEqual(
    transport
      .objects(EVENTS)
      .map(({ count }) => count)
      .sort(),
    [1, 3],
  );
});

test("ApiEventRecorder joins many events that differ in their text", async () => {
  const { transport, recorder } = setup();
  for (let i = 0; i < 14; i++) recorder.record(pod, "Normal", "SuccessfulCreate", `Created pod: p${i}`);
  await recorder.flushed();
  const messages = transport.objects(EVENTS).map(({ message, count }) => [message, count]);
  assert.equal(messages.length, 10);
  assert.deepEqual(
    messages.find(([text]) => String(text).startsWith("(combined")),
    ["(combined from similar events): Created pod: p13", 5],
  );
});

test("ApiEventRecorder drops what one object says too often, and never fails its caller", async () => {
  const { transport, recorder } = setup();
  for (let i = 0; i < 60; i++) recorder.record(pod, "Normal", `Reason${i}`, "text");
  await recorder.flushed();
  assert.equal(transport.objects(EVENTS).length, 25);
  transport.intercept = () => {
    throw unavailable();
  };
  recorder.record({ ...pod, name: "other" }, "Normal", "Pulled", "text");
  await recorder.flushed();
});
