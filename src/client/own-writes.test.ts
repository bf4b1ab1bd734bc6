import assert from "node:assert/strict";
import { test } from "node:test";

import { CONFIG_MAPS } from "#api/builtin.ts";
import type { ConfigMap } from "#api/core-v1/types.ts";
import { Client } from "#client/client.ts";
import { SharedInformerFactory } from "#client/informer-factory.ts";
import { OwnWritesTransport } from "#client/own-writes.ts";
import { FakeTransport } from "#client/testing/fake-transport.ts";
import type { ApiCall, Transport, WatchEvent } from "#client/transport.ts";
import { silentLogger } from "#lib/logger.ts";
import { seededRng } from "#lib/rng.ts";
import { SimClock } from "#lib/sim-clock.ts";

const LAG_MS = 2_000;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** An API whose watches come late, and whose answers `loses` may lose. */
async function setup() {
  const clock = new SimClock();
  const api = new FakeTransport(clock);
  const abort = new AbortController();
  const faults = { loses: (_call: ApiCall): boolean => false };
  const late: Transport = {
    async perform(call, signal) {
      const answer = await api.perform(call, signal);
      if (faults.loses(call)) throw new Error("read ECONNRESET");
      return answer;
    },
    watch: (call, sink) => api.watch(call, { ...sink, onEvent: (event: WatchEvent) => void clock.after(LAG_MS, () => sink.onEvent(event)) }),
  };
  const deps = { clock, rng: seededRng(1), logger: silentLogger };
  const informers = new SharedInformerFactory({ client: new Client(late), ...deps });
  const configMaps = informers.informer(CONFIG_MAPS);
  await informers.synced();
  const client = new Client(new OwnWritesTransport({ transport: late, informers, ...deps, signal: abort.signal }));
  /** When a write is over, and whether it went well; what the informer shows then. */
  const outcome = async (write: Promise<unknown>) => {
    let told: string | undefined;
    write.then(
      () => (told = "done"),
      (error: Error) => (told = error.message),
    );
    const startMs = clock.now();
    for (await settled(); told === undefined && clock.step(startMs + 600_000); ) await settled();
    return { told, afterMs: clock.now() - startMs, shown: configMaps.list().map(({ metadata, data }) => [metadata.name, data?.["v"]]) };
  };
  return { clock, api, faults, client, outcome, abort };
}

const map = (name: string, v: string) => ({ metadata: { namespace: "default", name, labels: { app: "a" } }, data: { v } });
const loseOnce = (verb: ApiCall["verb"]) => {
  let left = 1;
  return (call: ApiCall) => call.verb === verb && left-- > 0;
};

test("OwnWritesTransport: a write is over when the informer shows it", async () => {
  const { client, outcome } = await setup();
  assert.deepEqual(await outcome(client.create(CONFIG_MAPS, map("a", "1"))), { told: "done", afterMs: LAG_MS, shown: [["a", "1"]] });
  const change = client.patch(CONFIG_MAPS, { namespace: "default", name: "a" }, "merge", { data: { v: "2" } });
  assert.deepEqual(await outcome(change), { told: "done", afterMs: LAG_MS, shown: [["a", "2"]] });
});

test("OwnWritesTransport: a write whose answer was lost fails when the informer shows what it did", async () => {
  const { client, faults, outcome } = await setup();
  const lost = { told: "read ECONNRESET", afterMs: LAG_MS };
  faults.loses = loseOnce("create");
  assert.deepEqual(await outcome(client.create(CONFIG_MAPS, map("a", "1"))), { ...lost, shown: [["a", "1"]] });
  faults.loses = loseOnce("update");
  const standing = await client.get<ConfigMap>(CONFIG_MAPS, { namespace: "default", name: "a" });
  assert.deepEqual(await outcome(client.update(CONFIG_MAPS, { ...standing, data: { v: "2" } })), { ...lost, shown: [["a", "2"]] });
  faults.loses = loseOnce("delete");
  assert.deepEqual(await outcome(client.delete(CONFIG_MAPS, { namespace: "default", name: "a" })), { ...lost, shown: [] });
});

test("OwnWritesTransport: an object that the server was to name is found by its labels", async () => {
  const { client, faults, outcome } = await setup();
  faults.loses = loseOnce("create");
  const draft = { metadata: { namespace: "default", generateName: "a-", labels: { app: "a" } }, data: { v: "1" } };
  const { told, afterMs, shown } = await outcome(client.create(CONFIG_MAPS, draft));
  assert.deepEqual([told, afterMs, shown.map(([, v]) => v)], ["read ECONNRESET", LAG_MS, ["1"]]);
});

test("OwnWritesTransport: a write that was never done fails at once, and so does one that is refused", async () => {
  const { api, client, outcome } = await setup();
  api.intercept = ({ verb }) => {
    if (verb === "create") throw new Error("connect ECONNREFUSED");
  };
  assert.deepEqual(await outcome(client.create(CONFIG_MAPS, map("a", "1"))), { told: "connect ECONNREFUSED", afterMs: 0, shown: [] });
  api.intercept = () => {};
  await outcome(client.create(CONFIG_MAPS, map("a", "1")));
  const { afterMs, told } = await outcome(client.create(CONFIG_MAPS, map("a", "2")));
  assert.deepEqual([told, afterMs], ['configmaps "a" already exists', 0]);
});

test("OwnWritesTransport asks again until the API answers, and no longer than it is wanted", async () => {
  const { api, client, clock, outcome, faults, abort } = await setup();
  faults.loses = loseOnce("create");
  api.intercept = ({ verb }) => {
    if (verb === "get" && clock.now() < Date.UTC(2026, 0, 1) + 30_000) throw new Error("connect ECONNREFUSED");
  };
  const { told, afterMs, shown } = await outcome(client.create(CONFIG_MAPS, map("a", "1")));
  assert.deepEqual([told, shown], ["read ECONNRESET", [["a", "1"]]]);
  assert.ok(afterMs >= 30_000 && afterMs < 40_000);
  api.intercept = ({ verb }) => {
    if (verb === "get") throw new Error("connect ECONNREFUSED");
  };
  faults.loses = loseOnce("create");
  clock.after(1_000, () => abort.abort());
  const stopped = await outcome(client.create(CONFIG_MAPS, map("b", "1")));
  assert.deepEqual([stopped.told, stopped.afterMs], ["read ECONNRESET", 1_000]);
});

test("OwnWritesTransport does not wait for a silent watch for ever", async () => {
  const { api, client, faults, outcome } = await setup();
  api.intercept = ({ verb }) => {
    if (verb === "list") throw new Error("connect ECONNREFUSED");
  };
  faults.loses = () => {
    // The watch has to begin anew, and never can.
    api.compact();
    api.cutWatches();
    return false;
  };
  const { told, afterMs } = await outcome(client.create(CONFIG_MAPS, map("a", "1")));
  assert.deepEqual([told, afterMs], ["done", 300_000]);
});
