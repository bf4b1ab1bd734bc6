import assert from "node:assert/strict";
import { test } from "node:test";

import { EVENTS, NODES, PODS } from "#api/builtin.ts";
import { podCondition } from "#api/core-v1/pod/status.ts";
import { statusError } from "#apimachinery/status-error.ts";
import { Client } from "#client/client.ts";
import { ApiEventRecorder } from "#client/event-recorder.ts";
import { SharedInformerFactory } from "#client/informer-factory.ts";
import { FakeTransport } from "#client/testing/fake-transport.ts";
import { silentLogger } from "#lib/logger.ts";
import { seededRng } from "#lib/rng.ts";
import { SimClock } from "#lib/sim-clock.ts";

import { startScheduler, SCHEDULER_NAME } from "./scheduler.ts";
import { node, pod } from "./testing/world.ts";

function setup() {
  const clock = new SimClock();
  const transport = new FakeTransport(clock);
  const client = new Client(transport);
  const errors: string[] = [];
  const deps = { clock, rng: seededRng(1), logger: { ...silentLogger, error: (message: string) => void errors.push(message) } };
  const recorder = new ApiEventRecorder({ client, component: SCHEDULER_NAME, ...deps });
  const scheduler = startScheduler({ client, informers: new SharedInformerFactory({ client, ...deps }), recorder, ...deps });
  const addNode = async (name: string) => client.updateStatus(NODES, { ...(await client.create(NODES, node(name))), status: node(name).status });
  const addPod = (name: string, cpu: string) => client.create(PODS, pod(name, { requests: { cpu } }));
  const nodeOf = (name: string) => transport.objects(PODS).find(({ metadata }) => metadata.name === name)?.spec.nodeName;
  return { clock, transport, scheduler, errors, addNode, addPod, nodeOf };
}

/** Lets promises run, and the back-offs and batches that the clock owes. */
async function settle(clock: SimClock): Promise<void> {
  for (let i = 0; i < 30; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1000);
  }
}

test("startScheduler() binds a pod and tells of it", async () => {
  const { clock, transport, scheduler, addNode, addPod, nodeOf } = setup();
  await addNode("a");
  await addPod("web", "1");
  await settle(clock);
  assert.equal(nodeOf("web"), "a");
  assert.deepEqual(
    transport.objects(EVENTS).map(({ reason, message }) => [reason, message]),
    [["Scheduled", "Successfully assigned default/web to a"]],
  );
  scheduler.stop();
});

test("startScheduler() tells why a pod has no node, once, and binds it when a node comes", async () => {
  const { clock, transport, scheduler, addNode, addPod, nodeOf } = setup();
  await addPod("web", "1");
  await settle(clock);
  const waiting = transport.objects(PODS)[0]!;
  assert.equal(podCondition(waiting, "PodScheduled")?.message, "no nodes available to schedule pods");
  assert.equal(transport.writes.filter((write) => write === "updateStatus pods default/web").length, 1);
  await addNode("a");
  await settle(clock);
  assert.equal(nodeOf("web"), "a");
  scheduler.stop();
});

test("startScheduler() keeps counting a pod that somebody else bound while its own binding was on the way", async () => {
  const { clock, transport, scheduler, addNode, addPod, nodeOf } = setup();
  for (const name of ["a", "b"]) await addNode(name);
  const perform = transport.perform.bind(transport);
  transport.perform = async (call, signal) => {
    if (call.subresource !== "binding" || call.name !== "first") return perform(call, signal);
    await perform({ ...call, body: { target: { name: "b" } } });
    throw statusError.conflict({ group: "", resource: "pods" }, "first", "it has a node");
  };
  await addPod("first", "4");
  await settle(clock);
  for (const name of ["second", "third"]) await addPod(name, "4");
  await settle(clock);
  assert.deepEqual(["first", "second", "third"].map(nodeOf), ["b", "a", undefined]);
  scheduler.stop();
});

test("startScheduler() goes on with other pods when one cannot be understood", async () => {
  const { clock, scheduler, errors, addNode, addPod, nodeOf } = setup();
  await addNode("a");
  await addPod("odd", "much");
  await addPod("web", "1");
  await settle(clock);
  assert.deepEqual([nodeOf("odd"), nodeOf("web")], [undefined, "a"]);
  assert.ok(errors.length > 1 && errors.every((message) => message === "cannot schedule a pod"));
  scheduler.stop();
});
