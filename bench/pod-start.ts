/**
 * Pods, image present: one after the other from create to Running seen on a watch, then 40 replicas until all are Ready;
 * beside bare pods of the same containerd, which are started in turn with ours.
 *
 *     node bench/pod-start.ts [--pods 15] [--runs 5] [--json]
 */
import { join } from "node:path";
import { DEPLOYMENTS, PODS } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import type { Client } from "#client/client.ts";
import { CriRuntime } from "#kubelet/cri/runtime.ts";
import { Cgroups } from "#kubelet/pod/cgroups.ts";
import { barePods, removeBarePods } from "./support/bare-pod.ts";
import { atEnd, benchmark, numberOption, progress } from "./support/benchmark.ts";
import { BenchCluster, IMAGE } from "./support/cluster.ts";
import { eventually } from "./support/command.ts";
import type { Row } from "./support/row.ts";
import { median, spread } from "./support/statistics.ts";
import { TARGETS } from "./support/targets.ts";

const REPLICAS = 40;
const TIMEOUT_MS = 60_000;
const NAMESPACE = "default";
/** Ends at once when it is told to. */
const COMMAND = ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait"];

await benchmark(async () => {
  const cluster = await BenchCluster.prepare();
  await cluster.up();
  await cluster.loadImage();
  const runtime = new CriRuntime(cluster.paths.containerdSocket);
  atEnd(() => runtime.close());
  const logs = join(cluster.dataDir, "bare-logs");
  // Beside those of the kubelet, which takes what it does not know of for a leftover.
  const cgroup = `${cluster.paths.cgroupRoot}-bare`;
  atEnd(() => void new Cgroups(cgroup).remove(cgroup));
  const start = barePods(runtime, IMAGE, COMMAND, { cgroup, logs });
  const bench = { client: cluster.client(), runtime, start, logs };
  await eventually("the default service account", TIMEOUT_MS, () => createPod(bench.client, "first").catch(() => undefined));
  const single = await onePodAtATime(bench, numberOption("pods", 15));
  await removeAll(bench);
  return [...single, await manyAtOnce(bench, numberOption("runs", 5))];
});

interface Bench {
  readonly client: Client;
  readonly runtime: CriRuntime;
  readonly start: () => Promise<string>;
  readonly logs: string;
}

async function onePodAtATime({ client, runtime, start, logs }: Bench, count: number): Promise<Row[]> {
  const ours: number[] = [];
  const bare: number[] = [];
  const ids = [await start()];
  for (let i = 0; i < count; i++) {
    bare.push(await timed(async () => void ids.push(await start())));
    ours.push(
      await timed(() =>
        untilSeen(
          client,
          () => createPod(client, `pod-${i}`),
          (pods) => pods.get(`pod-${i}`)?.status.phase === "Running",
        ),
      ),
    );
    progress(`pod ${i}: ${ours.at(-1)?.toFixed(0)} ms, bare ${bare.at(-1)?.toFixed(0)} ms`);
  }
  await removeBarePods(runtime, ids, logs);
  const floor = { name: "bare CRI pod", value: median(bare) };
  return [
    { what: "one pod, create → Running on a watch", value: median(ours), unit: "ms", note: spread(ours), floor, target: TARGETS.podStart },
    { what: "one pod, times a bare CRI pod", value: median(ours) / median(bare), unit: "×", target: TARGETS.podTimes },
  ];
}

async function manyAtOnce(bench: Bench, runs: number): Promise<Row> {
  const { client, runtime, start, logs } = bench;
  const ours: number[] = [];
  const bare: number[] = [];
  for (let run = 0; run < runs; run++) {
    const ids: string[] = [];
    bare.push(await timed(async () => void ids.push(...(await Promise.all(Array.from({ length: REPLICAS }, start))))));
    await removeBarePods(runtime, ids, logs);
    await untilNoSandboxes(runtime);
    ours.push(await timed(() => untilSeen(client, () => createDeployment(client, `web-${run}`), allReady)));
    progress(`${REPLICAS} replicas: ${ours.at(-1)?.toFixed(0)} ms, bare ${bare.at(-1)?.toFixed(0)} ms`);
    await removeAll(bench);
  }
  const floor = { name: `${REPLICAS} bare CRI pods`, value: median(bare) };
  return { what: `${REPLICAS} replicas, create → all Ready`, value: median(ours), unit: "ms", note: spread(ours), floor, target: TARGETS.replicas };
}

function allReady(pods: ReadonlyMap<string, Pod>): boolean {
  const ready = [...pods.values()].filter(({ status }) => status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"));
  return ready.length === REPLICAS;
}

/** Opens a watch, acts, and resolves when the pods that it has told of are as wanted. */
async function untilSeen(client: Client, act: () => Promise<unknown>, holds: (pods: ReadonlyMap<string, Pod>) => boolean): Promise<void> {
  const pods = new Map<string, Pod>();
  const { metadata } = await client.list(PODS, { namespace: NAMESPACE, limit: 1 });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`pods do not get there within ${TIMEOUT_MS} ms: ${[...pods.values()].map(({ status }) => status.phase)}`)),
      TIMEOUT_MS,
    );
    const call = { resource: PODS, namespace: NAMESPACE, resourceVersion: metadata.resourceVersion as string };
    const watch = client.watch(call, {
      onEvent({ type, object }) {
        if (type === "BOOKMARK") return;
        pods.set(object.metadata.name, object as Pod);
        if (!holds(pods)) return;
        clearTimeout(timer);
        watch.stop();
        resolve();
      },
      onEnd: (error) => reject(error ?? new Error("the watch ended")),
    });
    act().catch(reject);
  });
}

function podTemplate(): { metadata: object; spec: object } {
  return { metadata: { labels: { app: "bench" } }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "main", image: IMAGE, command: COMMAND }] } };
}

function createPod(client: Client, name: string): Promise<Pod> {
  const { metadata, spec } = podTemplate();
  return client.create(PODS, { metadata: { namespace: NAMESPACE, name, ...metadata }, spec } as never);
}

function createDeployment(client: Client, name: string): Promise<unknown> {
  const spec = { replicas: REPLICAS, selector: { matchLabels: { app: "bench" } }, template: podTemplate() };
  return client.create(DEPLOYMENTS, { metadata: { namespace: NAMESPACE, name }, spec } as never);
}

async function removeAll({ client, runtime }: Bench): Promise<void> {
  await client.deleteCollection(DEPLOYMENTS, { namespace: NAMESPACE }, { propagationPolicy: "Foreground" });
  await client.deleteCollection(PODS, { namespace: NAMESPACE });
  await eventually("pods are gone", TIMEOUT_MS, async () => (await client.list(PODS, { namespace: NAMESPACE })).items.length === 0 || undefined, 50);
  await untilNoSandboxes(runtime);
}

async function untilNoSandboxes(runtime: CriRuntime): Promise<void> {
  await eventually("sandboxes are gone", TIMEOUT_MS, async () => (await runtime.listPodSandboxes()).length === 0 || undefined, 50);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}
