import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { CONFIG_MAPS, PODS } from "#api/builtin.ts";
import { keyOf } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import { Client } from "#client/client.ts";
import { SharedInformerFactory } from "#client/informer-factory.ts";
import { FakeTransport, unavailable } from "#client/testing/fake-transport.ts";
import { silentLogger } from "#lib/logger.ts";
import { seededRng } from "#lib/rng.ts";
import { SimClock } from "#lib/sim-clock.ts";

function setup() {
  const clock = new SimClock();
  const transport = new FakeTransport(clock);
  const client = new Client(transport);
  const factory = new SharedInformerFactory({ client, clock, rng: seededRng(1), logger: silentLogger });
  return { clock, transport, client, factory };
}

/** Lets promises run, then what the clock owes, until both are quiet. */
async function settle(clock: SimClock): Promise<void> {
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(60_000);
  }
}

const configMap = (name: string, value = "", namespace = "default") => ({ metadata: { namespace, name, labels: { value } }, data: { value } });

type Step = { readonly do: "put" | "delete" | "cut" | "expire" | "fail"; readonly name: string; readonly value: string };

const history = fc.array(
  fc.record<Step>({
    do: fc.constantFrom("put", "put", "put", "delete", "cut", "expire", "fail"),
    name: fc.constantFrom("a", "b", "c", "d"),
    value: fc.constantFrom("1", "2", "3"),
  }),
  { maxLength: 40 },
);

async function perform(step: Step, { client, transport }: ReturnType<typeof setup>): Promise<void> {
  const ref = { namespace: "default", name: step.name };
  switch (step.do) {
    case "put":
      await client.patch(CONFIG_MAPS, ref, "merge", configMap(step.name, step.value)).catch(() => client.create(CONFIG_MAPS, configMap(step.name, step.value)));
      break;
    case "delete":
      await client.delete(CONFIG_MAPS, ref).catch(() => {});
      break;
    case "cut":
      transport.cutWatches();
      break;
    case "expire":
      transport.compact();
      transport.cutWatches(statusError.expired("too old"));
      break;
    case "fail": {
      let left = 2;
      transport.intercept = ({ verb }) => {
        if (verb === "list" && left-- > 0) throw unavailable();
      };
    }
  }
}

for (const labelSelector of ["", "value=2"]) {
  test(`SharedInformer's store and indexes equal the server's state after any history, selector "${labelSelector}"`, async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const world = setup();
        const byValue = { value: ({ data }: { data?: Readonly<Record<string, string>> | undefined }) => [data?.["value"] ?? ""] };
        const informer = world.factory.informer(CONFIG_MAPS, byValue, { labelSelector });
        const heard = new Map<string, string>();
        informer.onChange({
          added: (object) => heard.set(keyOf(object), object.data?.["value"] ?? ""),
          updated: (object) => heard.set(keyOf(object), object.data?.["value"] ?? ""),
          deleted: (object) => heard.delete(keyOf(object)),
        });
        for (const step of steps) {
          await perform(step, world);
          if (step.do === "fail") await new Promise((resolve) => setImmediate(resolve));
        }
        await settle(world.clock);
        const want = world.transport.objects(CONFIG_MAPS).filter(({ data }) => labelSelector === "" || data?.["value"] === "2");
        const byName = (a: { metadata: { name: string } }, b: { metadata: { name: string } }) => (a.metadata.name < b.metadata.name ? -1 : 1);
        assert.deepEqual([...informer.list()].sort(byName), want);
        assert.deepEqual(new Map(want.map((object) => [keyOf(object), object.data?.["value"]])), heard);
        for (const value of ["1", "2", "3"]) {
          assert.deepEqual(
            [...informer.byIndex("value", value)].sort(byName),
            want.filter(({ data }) => data?.["value"] === value),
          );
        }
        world.factory.stop();
      }),
      { numRuns: 60 },
    );
  });
}

test("SharedInformer.onChange() tells of what stands already, and of a name that was taken anew", async () => {
  const { client, factory, transport, clock } = setup();
  const informer = factory.informer(CONFIG_MAPS);
  await client.create(CONFIG_MAPS, configMap("a", "1"));
  await informer.synced;
  const calls: string[] = [];
  informer.onChange({ added: () => calls.push("added"), updated: () => calls.push("updated"), deleted: () => calls.push("deleted") });
  transport.compact();
  transport.cutWatches();
  await client.delete(CONFIG_MAPS, { namespace: "default", name: "a" });
  await client.create(CONFIG_MAPS, configMap("a", "2"));
  transport.compact();
  await settle(clock);
  assert.deepEqual(calls, ["added", "deleted", "added"]);
});

test("SharedInformer.until() resolves when the version is in the store", async () => {
  const { client, factory } = setup();
  const informer = factory.informer(CONFIG_MAPS);
  await informer.synced;
  const created = await client.create(CONFIG_MAPS, configMap("a"));
  await informer.until(() => informer.shows(created.metadata.resourceVersion!));
  assert.equal(informer.get("default/a"), created);
  let resolved = false;
  void informer.until(() => informer.shows("1000")).then(() => (resolved = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(resolved, false);
});

test("SharedInformer survives a handler that throws", async () => {
  const { client, factory } = setup();
  const informer = factory.informer(CONFIG_MAPS);
  await informer.synced;
  informer.onChange({
    added() {
      throw new Error("a fault of the listener");
    },
  });
  await client.create(CONFIG_MAPS, configMap("a"));
  assert.ok(informer.get("default/a"));
});

test("SharedInformer.ownedBy() files by the controller's uid only", async () => {
  const { client, factory } = setup();
  const informer = factory.informer(PODS);
  await informer.synced;
  const owner = (uid: string, controller: boolean) => ({ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid, controller });
  await client.create(PODS, { metadata: { namespace: "x", name: "p", ownerReferences: [owner("u1", true), owner("u2", false)] } });
  assert.equal(informer.ownedBy("u1").length, 1);
  assert.equal(informer.ownedBy("u2").length, 0);
  assert.equal(informer.inNamespace("x").length, 1);
});

test("SharedInformer tries again when a watch cannot even be started", async () => {
  const { client, factory, transport, clock } = setup();
  const watch = transport.watch.bind(transport);
  let refusals = 3;
  transport.watch = (call, sink) => {
    if (refusals-- > 0) throw unavailable();
    return watch(call, sink);
  };
  const informer = factory.informer(CONFIG_MAPS);
  await informer.synced;
  await settle(clock);
  await client.create(CONFIG_MAPS, configMap("a"));
  assert.ok(informer.get("default/a"));
});
