import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { KubeObject } from "#apimachinery/object.ts";
import { silentLogger } from "#lib/logger.ts";
import { SimClock } from "#lib/sim-clock.ts";
import { createMemoryStore } from "#storage/memory/memory-store.ts";
import { CompactedError, type Store, StoreFullError, type WriteOp } from "#storage/store.ts";
import { type CacheEvent, toWatchEvent } from "./cache-event.ts";
import { WatchCache } from "./watch-cache.ts";

const PODS = "/registry/pods/";

function pod(namespace: string, name: string, nodeName?: string, more: object = {}): KubeObject {
  const metadata = { name, namespace, uid: `uid-${name}`, creationTimestamp: "2026-01-01T00:00:00Z", resourceVersion: "999", ...more };
  return { kind: "Pod", apiVersion: "v1", metadata, spec: { ...(nodeName !== undefined && { nodeName }), containers: [] } } as KubeObject;
}

async function openCache(options: { historySize?: number; historyBytes?: number } = {}) {
  const clock = new SimClock();
  const store = createMemoryStore();
  return { clock, store, cache: await WatchCache.open(store, { clock, logger: silentLogger, ...options }) };
}

const put = (cache: WatchCache, object: KubeObject, expected?: number) =>
  cache.commit([{ key: `${PODS}${object.metadata.namespace}/${object.metadata.name}`, object, expected }]);
const remove = (cache: WatchCache, namespace: string, name: string) =>
  cache.commit([{ key: `${PODS}${namespace}/${name}`, object: undefined, expected: undefined }]);

const brief = (event: CacheEvent) => `${event.type} ${event.key.slice(PODS.length)} ${event.revision}`;

test("WatchCache.commit() answers with the frozen object and its bytes, which agree", async () => {
  const { cache } = await openCache();
  const result = await put(cache, pod("a", "é", "n1"), 0);
  assert.ok(result.ok);
  const [cached] = result.objects;
  assert.equal(cached, cache.get(`${PODS}a/é`));
  assert.equal(cached!.object.metadata.resourceVersion, "1");
  assert.deepEqual(JSON.parse(cached!.json.toString()), cached!.object);
  assert.ok(Object.isFrozen(cached!.object) && Object.isFrozen(cached!.object.metadata) && Object.isFrozen((cached!.object as never)["spec"]));
  assert.deepEqual(await put(cache, pod("a", "é"), 0), { ok: false, index: 0, current: cached });
});

test("WatchCache.commit() answers with the object also when its event comes without the attachment", async () => {
  const store = createMemoryStore();
  const forgetful: Store = { ...methodsOf(store), commit: (ops) => store.commit(ops.map(({ attachment: _, ...op }) => op)) };
  const cache = await WatchCache.open(forgetful, { clock: new SimClock(), logger: silentLogger });
  const result = await put(cache, pod("a", "p", "n1"), 0);
  assert.ok(result.ok);
  assert.equal(result.objects[0]!.revision, 1);
  assert.deepEqual(result.objects[0]!.object, cache.get(`${PODS}a/p`)!.object);
  assert.ok((await remove(cache, "a", "p")).ok);
});

function methodsOf(store: Store): Store {
  return {
    revision: () => store.revision(),
    compactedRevision: () => store.compactedRevision(),
    commit: (ops) => store.commit(ops),
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    watch: (prefix, afterRevision, sink) => store.watch(prefix, afterRevision, sink),
    compact: (revision) => store.compact(revision),
    close: () => store.close(),
  };
}

test("WatchCache tells of a full store once, and of room when something has been written", async () => {
  const store = createMemoryStore();
  const commit = store.commit.bind(store);
  await commit([{ key: `${PODS}a/there`, value: Buffer.from(JSON.stringify(pod("a", "there"))), expected: 0 }]);
  let isFull = true;
  store.commit = async ([op]: readonly WriteOp[]) => {
    const current = await store.get(op!.key);
    if (current !== undefined) return { ok: false, index: 0, current };
    if (isFull) throw new StoreFullError("no room");
    return commit([op!]);
  };
  const told: string[] = [];
  const note = (message: string) => void told.push(message);
  const cache = await WatchCache.open(store, { clock: new SimClock(), logger: { ...silentLogger, error: note, info: note } });
  const fails = () => assert.rejects(put(cache, pod("a", "new"), 0), StoreFullError);
  await fails();
  assert.equal((await put(cache, pod("a", "there"), 0)).ok, false);
  await fails();
  assert.deepEqual(told, ["the store is full: writes are refused until there is room"]);
  isFull = false;
  await put(cache, pod("a", "new"), 0);
  assert.equal(told[1], "the store has room again");
});

test("WatchCache.open() shows what the store holds, also values that another program wrote", async () => {
  const { store, clock } = await openCache();
  const text = '{"spec":{"template":{"metadata":{"name":"inner"}}},"metadata":{"labels":{},"resourceVersion":"7","name":"x"},"kind":"Pod"}';
  await store.commit([{ key: `${PODS}a/x`, value: Buffer.from(text), expected: 0 }]);
  await store.commit([{ key: `${PODS}a/y`, value: Buffer.from('{"kind":"Pod","apiVersion":"v1","metadata":{}}'), expected: 0 }]);
  const cache = await WatchCache.open(store, { clock, logger: silentLogger });
  const [x, y] = cache.list(PODS).items;
  assert.equal(x!.object.metadata.resourceVersion, "1");
  assert.deepEqual(JSON.parse(x!.json.toString()).metadata, { labels: {}, name: "x", resourceVersion: "1" });
  assert.equal(y!.json.toString(), '{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"2"}}');
  assert.ok(Object.isFrozen(x!.object.metadata));
  assert.equal(cache.revision(), 2);
});

test("WatchCache.open() reads protobuf, as upstream stores its own kinds, and shows JSON", async () => {
  const { store, clock } = await openCache();
  // Encoded with upstream's own code.
  const secret = "6b3873000a0c0a027631120653656372657412260a110a017312001a0022002a0032003800420012080a016112030001ff12050a016212001a001a002200";
  await store.commit([{ key: "/registry/secrets/default/s", value: Buffer.from(secret, "hex"), expected: 0 }]);
  const cache = await WatchCache.open(store, { clock, logger: silentLogger });
  const { object, json } = cache.get("/registry/secrets/default/s")!;
  const want = { kind: "Secret", apiVersion: "v1", metadata: { resourceVersion: "1", name: "s" }, data: { a: "AAH/", b: "" } };
  assert.deepEqual(JSON.parse(json.toString()), want);
  assert.deepEqual(object, want);
});

test("WatchCache.open() knows the store's history: a watch goes on where one of an earlier process was, a list of the past too", async () => {
  const { store, cache, clock } = await openCache();
  for (const name of ["p", "q", "r"]) await put(cache, pod("a", name, "n1"));
  await store.compact(2);
  await put(cache, pod("a", "p", "n2"));
  await remove(cache, "a", "q");
  cache.close();
  const again = await WatchCache.open(store, { clock, logger: silentLogger });
  const seen: string[] = [];
  again.watch(PODS, { afterRevision: 2, scope: { nodeName: "n1" } }, (event) => seen.push(`${brief(event)} ${event.previous?.revision}`));
  assert.deepEqual(seen, ["put a/r 3 undefined", "put a/p 4 1", "delete a/q 5 2"]);
  assert.deepEqual(
    again.list(PODS, { revision: 3 }).items.map(({ key, revision }) => `${key} ${revision}`),
    [`${PODS}a/p 1`, `${PODS}a/q 2`, `${PODS}a/r 3`],
  );
  assert.throws(() => again.watch(PODS, { afterRevision: 1 }, () => {}), CompactedError);
});

test("WatchCache.watch() shows a deletion as the last state under the deletion's revision", async () => {
  const { cache } = await openCache();
  const events: CacheEvent[] = [];
  cache.watch(PODS, {}, (event) => events.push(event));
  await put(cache, pod("a", "p"));
  const result = await remove(cache, "a", "p");
  assert.ok(result.ok);
  assert.equal(events[1]!.current, result.objects[0]);
  assert.equal(events[1]!.current.object.metadata.resourceVersion, "2");
  assert.deepEqual(JSON.parse(events[1]!.current.json.toString()), events[1]!.current.object);
  assert.equal(events[1]!.previous!.object.metadata.resourceVersion, "1");
});

for (const { name, scope, prefix = PODS, want } of [
  { name: "everything", scope: {}, want: ["put a/p 1", "put b/p 2", "put a/q 3", "put a/p 4", "delete a/p 5"] },
  { name: "a namespace", scope: { namespace: "a" }, want: ["put a/p 1", "put a/q 3", "put a/p 4", "delete a/p 5"] },
  { name: "a namespace by prefix", scope: {}, prefix: `${PODS}b/`, want: ["put b/p 2"] },
  { name: "a name", scope: { name: "p" }, want: ["put a/p 1", "put b/p 2", "put a/p 4", "delete a/p 5"] },
  { name: "a name in a namespace", scope: { name: "p", namespace: "b" }, want: ["put b/p 2"] },
  { name: "a name by prefix", scope: { name: "q", namespace: "a" }, prefix: `${PODS}a/`, want: ["put a/q 3"] },
  { name: "a node, also when the pod leaves it", scope: { nodeName: "n1" }, want: ["put a/p 1", "put a/q 3", "put a/p 4"] },
  { name: "the node the pod came to", scope: { nodeName: "n2" }, want: ["put a/p 4", "delete a/p 5"] },
]) {
  test(`WatchCache.watch() with the scope of ${name} gives its events, live and from the past`, async () => {
    const { cache } = await openCache();
    const live: string[] = [];
    cache.watch(prefix, { scope }, (event) => live.push(brief(event)));
    await put(cache, pod("a", "p", "n1"));
    await put(cache, pod("b", "p"));
    await put(cache, pod("a", "q", "n1"));
    await put(cache, pod("a", "p", "n2"));
    await remove(cache, "a", "p");
    const past: string[] = [];
    cache.watch(prefix, { scope, afterRevision: 0 }, (event) => past.push(brief(event)));
    assert.deepEqual(live, want);
    assert.deepEqual(past, want);
  });
}

test("toWatchEvent() turns a change of what matches into ADDED and DELETED", async () => {
  const { cache } = await openCache();
  const matches = ({ metadata }: KubeObject) => metadata.labels?.["on"] === "yes";
  const seen: string[] = [];
  cache.watch(PODS, { matches }, (event) => {
    const { type, state } = toWatchEvent(event, matches)!;
    seen.push(`${type} ${state.object.metadata.resourceVersion} ${state.object.metadata.labels?.["on"]}`);
  });
  for (const on of ["no", "yes", "yes", "no", "no", "yes"]) await put(cache, pod("a", "p", undefined, { labels: { on } }));
  await remove(cache, "a", "p");
  assert.deepEqual(seen, ["ADDED 2 yes", "MODIFIED 3 yes", "DELETED 4 yes", "ADDED 6 yes", "DELETED 7 yes"]);
});

test("WatchCache.watch() after stop() gives nothing; a watcher begun by an event gets each event once", async () => {
  const { cache } = await openCache();
  const outer: string[] = [];
  const inner: string[] = [];
  const watch = cache.watch(PODS, {}, (event) => {
    outer.push(brief(event));
    watch.stop();
    watch.stop();
    cache.watch(PODS, { afterRevision: 0 }, (again) => inner.push(brief(again)));
  });
  await cache.commit(["p", "q"].map((name) => ({ key: `${PODS}a/${name}`, object: pod("a", name), expected: 0 })));
  await put(cache, pod("a", "r"));
  assert.deepEqual(outer, ["put a/p 1"]);
  assert.deepEqual(inner, ["put a/p 1", "put a/q 1", "put a/r 2"]);
});

test("WatchCache.watch() stops a watcher that throws, and serves the others", async () => {
  const { cache } = await openCache();
  let throws = 0;
  const seen: string[] = [];
  cache.watch(PODS, {}, () => {
    throws++;
    throw new Error("broken watcher");
  });
  cache.watch(PODS, {}, (event) => seen.push(brief(event)));
  await put(cache, pod("a", "p"));
  await put(cache, pod("a", "q"));
  assert.equal(throws, 1);
  assert.deepEqual(seen, ["put a/p 1", "put a/q 2"]);
});

test("WatchCache tells a watcher of an event that cannot be read, whatever it asks for, and goes on", async () => {
  const { cache, store } = await openCache();
  const failed: string[] = [];
  const seen: string[] = [];
  for (const [name, options] of Object.entries({
    past: { afterRevision: 0, matches: () => false },
    selector: { matches: () => false },
    node: { scope: { nodeName: "n1" } },
    all: {},
  })) {
    cache.watch(PODS, { ...options, onFailed: () => failed.push(name) }, (event) => {
      if (name === "all") seen.push(brief(event));
    });
  }
  await put(cache, pod("a", "p", "n1"));
  await store.commit([{ key: `${PODS}a/p`, value: Buffer.from("no JSON"), expected: undefined }]);
  await put(cache, pod("a", "q"));
  cache.watch(PODS, { afterRevision: 1, matches: () => false, onFailed: () => failed.push("late") }, () => {});
  assert.deepEqual(failed, ["past", "selector", "late"]);
  assert.deepEqual(seen, ["put a/p 1", "put a/p 2", "put a/q 3"]);
});

test("WatchCache forgets history beyond its size, the store beyond twice that", async () => {
  const { cache, store } = await openCache({ historySize: 2 });
  for (let i = 0; i < 5; i++) await put(cache, pod("a", `p${i}`));
  assert.throws(() => cache.watch(PODS, { afterRevision: 2 }, () => {}), CompactedError);
  assert.throws(() => cache.list(PODS, { revision: 2 }), CompactedError);
  assert.equal(cache.list(PODS, { revision: 3 }).items.length, 3);
  await put(cache, pod("a", "p5"));
  await assert.rejects(store.list(PODS, { revision: 2 }), CompactedError);
});

test("WatchCache forgets history whose states take more than their bytes; what is newest does not count", async () => {
  const { cache } = await openCache({ historyBytes: 10_000 });
  for (let i = 0; i < 100; i++) await put(cache, pod("a", `p${i}`));
  assert.equal(cache.compactedRevision(), 0);
  for (let i = 0; i < 100; i++) await put(cache, pod("a", "p1"));
  const compacted = cache.compactedRevision();
  assert.ok(compacted > 100 && compacted < 199, String(compacted));
  const past: CacheEvent[] = [];
  cache.watch(PODS, { afterRevision: compacted }, (event) => past.push(event));
  const bytes = past.reduce((sum, { previous }) => sum + (previous?.json.length ?? 0), 0);
  assert.ok(bytes > 5000 && bytes <= 10_000, String(bytes));
  await put(cache, pod("a", "large", undefined, { annotations: { text: "x".repeat(20_000) } }));
  await remove(cache, "a", "large");
  assert.equal(cache.compactedRevision(), cache.revision());
});

test("WatchCache forgets history of more than its age, in the store too", async () => {
  const { cache, clock, store } = await openCache();
  await put(cache, pod("a", "p"));
  clock.advance(300_000);
  await put(cache, pod("a", "q"));
  assert.equal(cache.list(PODS, { revision: 0 }).items.length, 0);
  clock.advance(300_000);
  assert.throws(() => cache.list(PODS, { revision: 0 }), CompactedError);
  await new Promise((resolve) => setImmediate(resolve)); // the store compacts in its own time
  await assert.rejects(store.list(PODS, { revision: 0 }), CompactedError);
  assert.equal(cache.list(PODS, { revision: 1 }).items.length, 1);
});

test("WatchCache.waitFor() resolves when the revision is there, or when the time is up", async () => {
  const { cache, clock } = await openCache();
  const reached = cache.waitFor(1, 1000);
  const missed = cache.waitFor(2, 1000);
  await put(cache, pod("a", "p"));
  assert.equal(await reached, true);
  clock.advance(1000);
  assert.equal(await missed, false);
  assert.equal(await cache.waitFor(1, 0), true);
});

const step = fc.record({ name: fc.constantFrom("a/a", "a/b", "b/a", "b/b", "c"), node: fc.constantFrom("n1", "n2", undefined) });

test("WatchCache agrees with a naive model: lists at every revision and watches from every revision", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 4 }), async (steps, limit) => {
      const { cache } = await openCache();
      const states = [new Map<string, string>()];
      const log: string[] = [];
      for (const { name, node } of steps) {
        const state = new Map(states.at(-1));
        const key = PODS + name;
        const had = state.delete(key);
        if (node === undefined && !had) continue;
        if (node !== undefined) state.set(key, node);
        states.push(state);
        log.push(`${node === undefined ? "delete" : "put"} ${name} ${states.length - 1}`);
        await cache.commit([{ key, object: node === undefined ? undefined : pod("x", name, node), expected: undefined }]);
      }
      for (const [revision, state] of states.entries()) {
        const want = [...state].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, node]) => `${key} ${node}`);
        assert.deepEqual(pages(cache, revision, limit, state.size), want);
        const seen: string[] = [];
        cache.watch(PODS, { afterRevision: revision }, (event) => seen.push(brief(event))).stop();
        assert.deepEqual(seen, log.slice(revision));
      }
    }),
    { numRuns: 60 },
  );
});

function pages(cache: WatchCache, revision: number, limit: number, total: number): string[] {
  const all: string[] = [];
  for (let startKey = PODS; ; ) {
    const { items, remaining } = cache.list(PODS, { revision, limit, startKey });
    for (const { key, object } of items) all.push(`${key} ${(object as unknown as { spec: { nodeName: string } }).spec.nodeName}`);
    assert.equal(remaining, total - all.length);
    if (remaining === 0) return all;
    startKey = `${items.at(-1)!.key}\0`;
  }
}
