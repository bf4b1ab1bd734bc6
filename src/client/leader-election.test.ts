import assert from "node:assert/strict";
import { test } from "node:test";

import { LEASES } from "#api/builtin.ts";
import { Client } from "#client/client.ts";
import { runWithLease } from "#client/leader-election.ts";
import { FakeTransport, unavailable } from "#client/testing/fake-transport.ts";
import { silentLogger } from "#lib/logger.ts";
import { seededRng } from "#lib/rng.ts";
import { SimClock } from "#lib/sim-clock.ts";

async function pass(clock: SimClock, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    for (let k = 0; k < 3; k++) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1_000);
  }
}

function candidate(clock: SimClock, transport: FakeTransport, identity: string, leading: string[]) {
  const abort = new AbortController();
  const lease = { namespace: "kube-system", name: "skiff-controllers" };
  const options = { client: new Client(transport), clock, rng: seededRng(1), logger: silentLogger, lease, identity };
  const done = runWithLease(
    options,
    (signal) =>
      new Promise((resolve) => {
        leading.push(identity);
        signal.addEventListener("abort", () => {
          leading.splice(leading.indexOf(identity), 1);
          resolve();
        });
      }),
    abort.signal,
  );
  return { stop: () => abort.abort(), done };
}

test("runWithLease() lets one lead, and the next as soon as that one stops", async () => {
  const clock = new SimClock();
  const transport = new FakeTransport(clock);
  const leading: string[] = [];
  const a = candidate(clock, transport, "a", leading);
  await pass(clock, 1);
  const b = candidate(clock, transport, "b", leading);
  await pass(clock, 60);
  assert.deepEqual(leading, ["a"]);
  a.stop();
  await pass(clock, 5);
  assert.deepEqual(leading, ["b"]);
  assert.equal(transport.objects(LEASES)[0]!.spec.leaseTransitions, 1);
  b.stop();
  await pass(clock, 1);
  await Promise.all([a.done, b.done]);
});

test("runWithLease() gives up a lead that cannot be renewed, before another may take it", async () => {
  const clock = new SimClock();
  const transport = new FakeTransport(clock);
  const leading: string[] = [];
  const a = candidate(clock, transport, "a", leading);
  await pass(clock, 5);
  assert.deepEqual(leading, ["a"]);
  transport.intercept = () => {
    throw unavailable();
  };
  await pass(clock, 14);
  assert.deepEqual(leading, []);
  a.stop();
});
