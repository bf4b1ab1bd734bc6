/** The watch cache: loading, lists, commits through it, and the delivery of events to a thousand watchers. */
import type { KubeObject } from "#apimachinery/object.ts";
import { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { silentLogger } from "#lib/logger.ts";
import { systemClock } from "#lib/system-clock.ts";
import { createMemoryStore } from "#storage/memory/memory-store.ts";
import { benchmark } from "./support/benchmark.ts";
import type { Row } from "./support/row.ts";

const PODS = "/registry/pods/";
const OBJECTS = 10_000;
const WATCHERS = 1000;

const store = createMemoryStore();
const cache = await WatchCache.open(store, { clock: systemClock, logger: silentLogger });
const rows: Row[] = [];

await benchmark(async () => {
  await measure("commit through the cache, in one go", OBJECTS, () =>
    Promise.all(Array.from({ length: OBJECTS }, (_, i) => cache.commit([{ key: keyOf(i), object: pod(i), expected: 0 }]))),
  );
  await measure("list of 10,000: the items", 100, () => repeat(100, () => cache.list(PODS)));
  await measure("list of 10,000: joined bytes", 20, () => repeat(20, () => Buffer.concat(cache.list(PODS).items.map(({ json }) => json))));
  await measure("list of 10,000 in pages of 500", 20, () => repeat(20, listInPages));
  const past = cache.revision();
  await measure("update through the cache", 2000, () => updates(2000));
  await measure("list of 10,000 as of 2,000 events ago, in pages of 500", 20, () => repeat(20, () => listInPages(past)));
  await fanOut("each watching everything", () => ({}), 500, WATCHERS);
  await fanOut("each watching one node", (i) => ({ scope: { nodeName: `node-${i}` } }), 5000, 1);
  await fanOut("each watching one name", (i) => ({ scope: { namespace: "default", name: `pod-${i}` } }), 5000, 1);
  await load();
  return rows;
});

async function fanOut(what: string, options: (i: number) => object, events: number, watchersPerEvent: number): Promise<void> {
  let [bytes, delivered] = [0, 0];
  const take = (json: Uint8Array) => {
    bytes += json.length;
    delivered++;
  };
  const watches = Array.from({ length: WATCHERS }, (_, i) => cache.watch(PODS, options(i), (event) => take(event.current.json)));
  await measure(`1,000 watchers ${what}: deliveries, commits included`, events * watchersPerEvent, () => updates(events));
  for (const watch of watches) watch.stop();
  const due = events * watchersPerEvent;
  if (bytes === 0 || delivered !== due) throw new Error(`${delivered} of ${due} events were delivered`);
}

async function updates(count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, i) => cache.commit([{ key: keyOf(i % WATCHERS), object: pod(i % WATCHERS), expected: undefined }])));
}

function listInPages(revision?: number): void {
  for (let startKey = PODS, remaining = 1; remaining > 0; ) {
    const page = cache.list(PODS, { limit: 500, startKey, ...(revision !== undefined && { revision }) });
    ({ remaining } = page);
    startKey = `${page.items.at(-1)!.key}\0`;
  }
}

async function load(): Promise<void> {
  let loaded: WatchCache | undefined;
  await measure("load at start, an object", OBJECTS, async () => {
    loaded = await WatchCache.open(store, { clock: systemClock, logger: silentLogger });
  });
  await measure("first look at loaded objects", OBJECTS, () => loaded!.list(PODS).items.forEach(({ object }) => object));
  loaded!.close();
  cache.close();
  await store.close();
}

function repeat(times: number, run: () => void): void {
  for (let i = 0; i < times; i++) run();
}

async function measure(what: string, count: number, run: () => unknown): Promise<void> {
  const start = performance.now();
  await run();
  const ms = performance.now() - start;
  rows.push({ what: `watch cache: ${what}`, value: (ms * 1000) / count, unit: "µs", note: `${Math.round((count / ms) * 1000).toLocaleString("en-US")}/s` });
}

function keyOf(i: number): string {
  return `${PODS}default/pod-${i}`;
}

function pod(i: number): KubeObject {
  const labels = { app: "web", "pod-template-hash": "5d4f8c7b9" };
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-5d4f8c7b9", uid: "6f1f2b1e", controller: true, blockOwnerDeletion: true };
  const metadata = { name: `pod-${i}`, namespace: "default", uid: `uid-${i}`, creationTimestamp: "2026-01-01T00:00:00Z", labels, ownerReferences: [owner] };
  const container = {
    name: "web",
    image: "registry.example/web:1.2.3",
    resources: { limits: { cpu: "500m", memory: "128Mi" }, requests: { cpu: "250m", memory: "64Mi" } },
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: "IfNotPresent",
    volumeMounts: [{ name: "kube-api-access", readOnly: true, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" }],
  };
  const conditions = ["Ready", "Initialized", "ContainersReady", "PodScheduled"].map((type) => ({
    type,
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: "2026-01-01T00:00:00Z",
  }));
  const spec = { nodeName: `node-${i % WATCHERS}`, restartPolicy: "Always", dnsPolicy: "ClusterFirst", containers: [container], priority: 0 };
  return { kind: "Pod", apiVersion: "v1", metadata, spec, status: { phase: "Running", conditions, podIP: "10.42.0.7" } } as unknown as KubeObject;
}
