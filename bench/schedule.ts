/**
 * Pods that the scheduler binds in a second: the API server in this process, nodes as plain objects, no kubelets. With the
 * store in memory and the durable one, beside the decisions alone.
 *
 *     node bench/schedule.ts [--pods 5000] [--json]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NODES, PODS, SERVICE_ACCOUNTS } from "#api/builtin.ts";
import { startTestServer } from "#test/api-server/test-server.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";
import { Client } from "#client/client.ts";
import { ApiEventRecorder } from "#client/event-recorder.ts";
import { SharedInformerFactory } from "#client/informer-factory.ts";
import { inProcessTransport } from "#cmd/in-process-transport.ts";
import { silentLogger } from "#lib/logger.ts";
import { systemRng } from "#lib/rng.ts";
import { systemClock } from "#lib/system-clock.ts";
import { ClusterState } from "#scheduler/cluster/cluster-state.ts";
import { podInfo } from "#scheduler/cluster/pod-info.ts";
import { DEFAULT_PROFILE } from "#scheduler/default-profile.ts";
import { schedulePod } from "#scheduler/schedule-pod.ts";
import { SCHEDULER_NAME, startScheduler } from "#scheduler/scheduler.ts";
import { createMemoryStore } from "#storage/memory/memory-store.ts";
import { openSqliteStore } from "#storage/sqlite/sqlite-store.ts";
import type { Store } from "#storage/store.ts";
import { atEnd, benchmark, numberOption, progress } from "./support/benchmark.ts";
import type { Row } from "./support/row.ts";
import { TARGETS } from "./support/targets.ts";

const IN_FLIGHT = 256;
const TIMEOUT_MS = 60_000;
const NAMESPACE = "default";

await benchmark(async () => {
  const pods = numberOption("pods", 5000);
  const rows: Row[] = [];
  // The first run's code is not compiled yet.
  await bindingsPerSecond("memory", 100, Math.min(pods, 2000));
  for (const nodes of [1000, 5000]) {
    const decisions = decisionsPerSecond(nodes, pods);
    for (const kind of ["memory", "SQLite"] as const) {
      const value = await bindingsPerSecond(kind, nodes, pods);
      progress(`${nodes} nodes, ${kind} store: ${value.toFixed(0)} bindings/s`);
      const what = `pods scheduled and bound, ${nodes.toLocaleString("en-US")} nodes, ${kind} store`;
      const target = kind === "SQLite" && nodes === 5000 ? { target: TARGETS.bindings } : {};
      rows.push({ what, value, unit: "/s", note: `${pods} pods`, floor: { name: "decisions alone", value: decisions }, ...target });
    }
  }
  return rows;
});

async function bindingsPerSecond(kind: "memory" | "SQLite", nodes: number, pods: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "skiff-bench-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const store = kind === "memory" ? createMemoryStore() : await openSqliteStore({ path: join(folder, "state.db") });
  try {
    return await measure(store, nodes, pods);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** From the first binding to the last, so that what the scheduler reads at its start does not count. */
async function measure(store: Store, nodes: number, pods: number): Promise<number> {
  const { server, close } = await startTestServer({ store });
  const deps = { clock: systemClock, rng: systemRng, logger: silentLogger };
  const client = new Client(inProcessTransport(server.pipeline, LOOPBACK_USER, "bench"));
  const informers = new SharedInformerFactory({ client, ...deps });
  try {
    await client.create(SERVICE_ACCOUNTS, { metadata: { namespace: NAMESPACE, name: "default" } });
    await concurrently(nodes, (i) => createNode(client, i));
    await concurrently(pods, (i) => client.create(PODS, pod(i) as never));
    const recorder = new ApiEventRecorder({ client, clock: systemClock, logger: silentLogger, component: SCHEDULER_NAME });
    const bound = countBindings(informers, pods);
    const scheduler = startScheduler({ client: client.as("kube-scheduler"), informers, recorder, ...deps });
    const ms = await bound;
    scheduler.stop();
    return ((pods - 1) * 1000) / ms;
  } finally {
    informers.stop();
    await close();
  }
}

/** The API server taints a new node as not ready; where no controller runs, we take that away. */
async function createNode(client: Client, i: number): Promise<void> {
  await client.create(NODES, node(i) as never);
  await client.patch(NODES, { name: `node-${i}` }, "merge", { spec: { taints: null } });
}

function countBindings(informers: SharedInformerFactory, pods: number): Promise<number> {
  let bound = 0;
  let begin = 0;
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`${bound} of ${pods} pods were bound within ${TIMEOUT_MS} ms`)), TIMEOUT_MS).unref();
    informers.informer(PODS).onChange({
      updated({ spec }, before) {
        if (!spec.nodeName || before.spec.nodeName) return;
        if (bound++ === 0) begin = performance.now();
        if (bound === pods) resolve(performance.now() - begin);
      },
    });
  });
}

function decisionsPerSecond(nodes: number, pods: number): number {
  const cluster = new ClusterState();
  for (let i = 0; i < nodes; i++) cluster.setNode(node(i) as never);
  let startAt = 0;
  const begin = performance.now();
  for (let i = 0; i < pods; i++) {
    const info = podInfo({ ...pod(i), metadata: { ...pod(i).metadata, uid: `uid-${i}` } } as never);
    const decision = schedulePod({ pod: info, cluster, profile: DEFAULT_PROFILE, rng: systemRng, startAt });
    if (!decision.fits) throw new Error("a pod does not fit");
    startAt += decision.scanned;
    cluster.assume(info, decision.nodeName);
  }
  return (pods * 1000) / (performance.now() - begin);
}

async function concurrently(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

function node(i: number) {
  const name = `node-${i}`;
  const allocatable = { cpu: "32", memory: "256Gi", pods: "110" };
  const conditions = [{ type: "Ready", status: "True", reason: "KubeletReady", lastHeartbeatTime: "2026-01-01T00:00:00Z" }];
  return { metadata: { name, labels: { "kubernetes.io/hostname": name } }, spec: {}, status: { capacity: allocatable, allocatable, conditions } };
}

function pod(i: number) {
  const resources = { requests: { cpu: "100m", memory: "64Mi" } };
  return {
    metadata: { namespace: NAMESPACE, name: `pod-${i}`, labels: { app: "bench" } },
    spec: { schedulerName: SCHEDULER_NAME, automountServiceAccountToken: false, containers: [{ name: "main", image: "bench.local/app:1", resources }] },
    status: {},
  };
}
